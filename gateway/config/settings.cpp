#include "config/settings.hpp"

#include <algorithm>
#include <iterator>

namespace keygate::config {

std::vector<std::string> Api::vocabulary() const {
    std::vector<std::string> names;
    if (scopes)
        names = *scopes;
    else
        for (const Route& route : routes)
            std::copy_if(route.scopes.begin(), route.scopes.end(), std::back_inserter(names),
                         [](const std::string& scope) { return scope.find('{') == scope.npos; });
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

} // namespace keygate::config
