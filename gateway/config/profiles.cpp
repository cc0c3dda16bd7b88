#include "config/profiles.hpp"

#include "config/expand.hpp"
#include "config/load.hpp"
#include "config/paths.hpp"
#include "config/read_profile.hpp"
#include "config/shipped_profiles.hpp"

namespace keygate::config {

namespace {

bool is_path(const std::string& name) {
    return name.find('/') != std::string::npos || name.ends_with(".yaml");
}

} // namespace

std::optional<Profiles::Source> Profiles::source_of(const std::string& name) const {
    const std::string file = below(folder_, is_path(name) ? name : "profiles/" + name + ".yaml");
    if (auto text = surroundings_.read_file(file)) return Source{file, std::move(*text)};
    for (const ShippedProfile& shipped : shipped_profiles())
        if (shipped.name == name)
            return Source{"profiles/" + name + ".yaml (shipped)", std::string{shipped.yaml}};
    return std::nullopt;
}

Profile Profiles::read(const std::string& name, const Source& source) {
    Report report{source.file};
    Profile profile;
    profile.name = name;
    if (auto tree = parse_tree(source.text, report)) {
        static_cast<void>(expand(*tree, surroundings_.variable, report));
        read_profile(*tree, profile, report);
    }
    for (Mistake& mistake : report.sorted())
        mistakes_.push_back(std::move(mistake));
    return profile;
}

const Profile* Profiles::find(const std::optional<View>& value, const View& api) {
    std::string name = "default";
    if (value) {
        const std::string* text = value->text("the name of a profile, or a path to its file");
        if (!text) return nullptr;
        name = *text;
    }
    if (const auto known = read_.find(name); known != read_.end()) return &known->second;

    const View& blamed = value ? *value : api;
    if (!is_path(name) && !is_plain_name(name)) {
        blamed.refuse(
            "the name of a profile (letters, digits, `.`, `_`, `-`), or a path to its file");
        return nullptr;
    }
    const std::optional<Source> source = source_of(name);
    if (source) return &read_.emplace(name, read(name, *source)).first->second;

    if (is_path(name)) {
        blamed.complain("found " + blamed.seen() + ", a file that cannot be read");
        return nullptr;
    }
    std::vector<std::string> shipped;
    for (const ShippedProfile& profile : shipped_profiles())
        shipped.emplace_back(profile.name);
    blamed.complain("found " + blamed.seen() + ", which is no profile; shipped: " +
                    joined(shipped) + "; others are files such as " +
                    quoted(below(folder_, "profiles/NAME.yaml")) + did_you_mean(name, shipped));
    return nullptr;
}

Profile default_profile() {
    Profile profile;
    profile.name = "default";
    for (const ShippedProfile& shipped : shipped_profiles()) {
        if (shipped.name != profile.name) continue;
        Report report{std::string{shipped.name}};
        if (const auto tree = parse_tree(std::string{shipped.yaml}, report))
            read_profile(*tree, profile, report);
    }
    return profile;
}

} // namespace keygate::config
