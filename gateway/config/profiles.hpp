#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace keygate::config {

/// Finds profiles and reads each once, however many APIs name it or other profiles extend it.
///
/// NAME is looked for in `profiles/NAME.yaml` beside the configuration, then among the shipped
/// ones. A value with a `/` or the ending `.yaml` is a path, seen from the file that says it.
class Profiles {
  public:
    /// @param folder  of the configuration, with a final `/`, or empty.
    Profiles(std::string folder, const Surroundings& surroundings)
        : folder_(std::move(folder))
        , surroundings_(surroundings) {}

    /// The profile that `value` names; `default` where there is none. A profile that cannot be
    /// found is a mistake of `value`, one with mistakes inside is reported by mistakes().
    /// @param api  where a mistake is shown if there is no value.
    [[nodiscard]] std::optional<Profile> find(const std::optional<View>& value, const View& api);

    /// Those inside of profiles: file by file, each in the order of its text.
    [[nodiscard]] const std::vector<Mistake>& mistakes() const { return mistakes_; }

  private:
    struct Source {
        std::string file; // for messages
        std::string folder;
        std::string text;
    };

    struct Read {
        Profile profile;
        std::size_t depth = 0; // how many others it stands on
        bool is_sound = false; // it and all of those are without mistakes
    };

    /// A profile that is being read, and what is being read because it was extended. The last one
    /// is what is looked for now.
    using Chain = std::vector<std::string>;

    [[nodiscard]] const Read* find_named(const View& value, const std::string& folder,
                                         Chain& chain);
    [[nodiscard]] const Read* find_file(const std::string& name, const View& blamed, Chain& chain);
    [[nodiscard]] std::optional<Source> source_of(const std::string& name) const;
    [[nodiscard]] Read read(const Source& source, Chain& chain);
    [[nodiscard]] const Read* read_base(const View& value, const Source& source, Chain& chain);
    void complain_of_unknown(const std::string& name, const View& blamed) const;

    std::string folder_;
    const Surroundings& surroundings_;
    std::map<std::string, Read> read_; // by name, or by path as seen from the process
    std::vector<Mistake> mistakes_;
};

} // namespace keygate::config
