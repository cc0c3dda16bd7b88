#pragma once

#include "config/reader.hpp"
#include "config/settings.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace keygate::config {

/// Finds profiles and reads each once, however many APIs name it.
///
/// NAME is looked for in `profiles/NAME.yaml` beside the configuration, then among the shipped
/// ones. A value with a `/` or the ending `.yaml` is a path.
class Profiles {
  public:
    /// @param folder  of the configuration, with a final `/`, or empty.
    Profiles(std::string folder, const Surroundings& surroundings)
        : folder_(std::move(folder))
        , surroundings_(surroundings) {}

    /// The profile that `value` names; `default` where there is none. A profile that cannot be
    /// found is a mistake of `value`, one with mistakes inside is reported by mistakes().
    /// @param api  where a mistake is shown if there is no value.
    [[nodiscard]] const Profile* find(const std::optional<View>& value, const View& api);

    /// Those inside of profiles: file by file, each in the order of its text.
    [[nodiscard]] const std::vector<Mistake>& mistakes() const { return mistakes_; }

  private:
    struct Source {
        std::string file; // for messages
        std::string text;
    };

    [[nodiscard]] std::optional<Source> source_of(const std::string& name) const;
    [[nodiscard]] Profile read(const std::string& name, const Source& source);

    std::string folder_;
    const Surroundings& surroundings_;
    std::map<std::string, Profile> read_; // by name
    std::vector<Mistake> mistakes_;
};

} // namespace keygate::config
