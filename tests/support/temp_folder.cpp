#include "support/temp_folder.hpp"

#include <stdlib.h>

#include <fstream>
#include <stdexcept>

namespace keygate::support {

TempFolder::TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "keygate-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
}

TempFolder::~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TempFolder::write(const std::string& name, const std::string& text) const {
    std::ofstream{path_ / name} << text;
    // As files with a secret must be.
    using std::filesystem::perms;
    std::filesystem::permissions(path_ / name, perms::owner_read | perms::owner_write);
    return file(name);
}

} // namespace keygate::support
