#include "config/settings.hpp"

#include <algorithm>

namespace keygate::config {

std::vector<std::string> Api::vocabulary() const {
    std::vector<std::string> names;
    if (scopes)
        names = *scopes;
    else
        for (const Route& route : routes)
            names.insert(names.end(), route.scopes.begin(), route.scopes.end());
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

} // namespace keygate::config
