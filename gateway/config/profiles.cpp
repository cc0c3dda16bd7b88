#include "config/profiles.hpp"

#include "config/expand.hpp"
#include "config/load.hpp"
#include "config/paths.hpp"
#include "config/read_profile.hpp"
#include "config/shipped_profiles.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr std::size_t deepest = 8; // profiles that one stands on
constexpr std::string_view a_profile = "the name of a profile, or a path to its file";

bool is_path(const std::string& name) {
    return name.find('/') != std::string::npos || name.ends_with(".yaml");
}

} // namespace

std::optional<Profiles::Source> Profiles::source_of(const std::string& name) const {
    const std::string file = is_path(name) ? name : below(folder_, "profiles/" + name + ".yaml");
    if (auto text = surroundings_.read_file(file))
        return Source{file, folder_of(file), std::move(*text)};
    for (const ShippedProfile& shipped : shipped_profiles())
        if (shipped.name == name)
            return Source{"profiles/" + name + ".yaml (shipped)", folder_,
                          std::string{shipped.yaml}};
    return std::nullopt;
}

const Profiles::Read* Profiles::read_base(const View& value, const Source& source, Chain& chain) {
    if (chain.size() > deepest) {
        value.complain("stands on more than " + std::to_string(deepest) +
                       " others: " + joined(chain, " extends "));
        return nullptr;
    }
    return find_named(value, source.folder, chain);
}

Profiles::Read Profiles::read(const Source& source, Chain& chain) {
    Report report{source.file};
    Read made;
    made.is_sound = true;
    if (auto tree = parse_tree(source.text, report)) {
        static_cast<void>(expand(*tree, surroundings_.variable, report));
        const auto extends = View{*tree, {}, tree->place, report}.find("extends");
        if (extends) {
            const Read* const base = read_base(*extends, source, chain);
            if (base != nullptr) made = *base;
            made.is_sound = base != nullptr && base->is_sound;
            made.depth += 1;
            if (made.is_sound && made.depth > deepest)
                extends->complain("stands on more than " + std::to_string(deepest) + " others");
        }
        Basis basis = Basis::nothing;
        if (extends) basis = made.is_sound ? Basis::profile : Basis::unsound;
        read_profile(*tree, basis, made.profile, report);
    }
    made.is_sound = made.is_sound && report.empty();
    for (Mistake& mistake : report.sorted())
        mistakes_.push_back(std::move(mistake));
    return made;
}

const Profiles::Read* Profiles::find_named(const View& value, const std::string& folder,
                                           Chain& chain) {
    const std::string* text = value.text(a_profile);
    if (!text) return nullptr;
    if (!is_path(*text) && !is_plain_name(*text)) {
        value.refuse(
            "the name of a profile (letters, digits, `.`, `_`, `-`), or a path to its file");
        return nullptr;
    }
    return find_file(is_path(*text) ? below(folder, *text) : *text, value, chain);
}

const Profiles::Read* Profiles::find_file(const std::string& name, const View& blamed,
                                          Chain& chain) {
    if (const auto known = read_.find(name); known != read_.end()) return &known->second;
    if (std::find(chain.begin(), chain.end(), name) != chain.end()) {
        blamed.complain("a profile cannot stand on itself: " + joined(chain, " extends ") +
                        " extends " + name);
        return nullptr;
    }
    const std::optional<Source> source = source_of(name);
    if (!source) {
        complain_of_unknown(name, blamed);
        return nullptr;
    }
    chain.push_back(name);
    Read made = read(*source, chain);
    chain.pop_back();
    return &read_.emplace(name, std::move(made)).first->second;
}

void Profiles::complain_of_unknown(const std::string& name, const View& blamed) const {
    if (is_path(name))
        return blamed.complain("found " + blamed.seen() + ", a file that cannot be read");
    std::vector<std::string> shipped;
    for (const ShippedProfile& profile : shipped_profiles())
        shipped.emplace_back(profile.name);
    blamed.complain("found " + blamed.seen() + ", which is no profile; shipped: " +
                    joined(shipped) + "; others are files such as " +
                    quoted(below(folder_, "profiles/NAME.yaml")) + did_you_mean(name, shipped));
}

std::optional<Profile> Profiles::find(const std::optional<View>& value, const View& api) {
    static const std::string by_default = "default";
    Chain chain;
    const Read* const found =
        value ? find_named(*value, folder_, chain) : find_file(by_default, api, chain);
    if (found == nullptr) return std::nullopt;
    Profile profile = found->profile;
    profile.name = value ? value->node().text : by_default; // as it is written
    return profile;
}

Profile default_profile() {
    Profile profile;
    profile.name = "default";
    for (const ShippedProfile& shipped : shipped_profiles()) {
        if (shipped.name != profile.name) continue;
        Report report{std::string{shipped.name}};
        if (const auto tree = parse_tree(std::string{shipped.yaml}, report))
            read_profile(*tree, Basis::nothing, profile, report);
    }
    return profile;
}

} // namespace keygate::config
