#include "config/settings.hpp"

#include <algorithm>

namespace keygate::config {

std::vector<std::string> Api::vocabulary() const {
    std::vector<std::string> words;
    if (scopes)
        words = *scopes;
    else
        for (const Route& route : routes)
            words.insert(words.end(), route.scopes.begin(), route.scopes.end());
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words;
}

} // namespace keygate::config
