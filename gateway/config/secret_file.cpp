#include "config/secret_file.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keygate::config {
namespace {

constexpr std::size_t max_length = 256;

Fault fault(int error, std::string step) {
    return {boost::system::error_code(error, boost::system::system_category()), std::move(step)};
}

/// A descriptor that is closed.
class File {
  public:
    explicit File(int descriptor)
        : descriptor_(descriptor) {}

    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    File(const File&) = delete;
    File& operator=(const File&) = delete;

    [[nodiscard]] int get() const { return descriptor_; }

  private:
    int descriptor_;
};

bool is_visible(char c) {
    return c > 0x20 && c < 0x7f;
}

/// The begin of a file that those others cannot read or change.
Result<std::string> read_private(const std::string& file, const std::string& step, std::size_t most,
                                 mode_t others) {
    const File opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (opened.get() < 0) return fault(errno, step);

    struct stat found {};

    if (::fstat(opened.get(), &found) != 0) return fault(errno, step);
    if (!S_ISREG(found.st_mode)) return fault(EINVAL, step + " (not a file)");
    if ((found.st_mode & others) != 0)
        return fault(EACCES, step + " (others can read or change it; chmod 600 it)");

    std::string text(most, '\0');
    const auto size = ::read(opened.get(), text.data(), text.size());
    if (size < 0) return fault(errno, step);
    text.resize(static_cast<std::size_t>(size));
    return text;
}

} // namespace

Result<Secret> read_secret_file(const std::string& file, const std::string& what,
                                std::size_t min_length) {
    const std::string step = "read " + what + " file " + file;
    auto read = read_private(file, step, max_length + 2, S_IRWXG | S_IRWXO);
    if (!read) return read.error();
    std::string& text = *read;
    if (!text.empty() && text.back() == '\n') text.pop_back();
    if (!text.empty() && text.back() == '\r') text.pop_back();
    const bool fits = text.size() >= min_length && text.size() <= max_length &&
                      std::all_of(text.begin(), text.end(), is_visible);
    Secret secret{std::move(text)};
    if (!fits)
        return fault(EINVAL, step + " (must hold one line of " + std::to_string(min_length) +
                                 " to 256 visible characters)");
    return secret;
}

Result<Secret> read_private_file(const std::string& file, const std::string& what,
                                 std::size_t max_size) {
    const std::string step = "read " + what + " file " + file;
    auto read = read_private(file, step, max_size + 1, S_IWGRP | S_IXGRP | S_IRWXO);
    if (!read) return read.error();
    Secret secret{std::move(*read)};
    if (secret.reveal().size() > max_size)
        return fault(EFBIG, step + " (more than " + std::to_string(max_size) + " bytes)");
    return secret;
}

Result<void> make_secret_file(const std::string& file, const std::string& what,
                              const Secret& secret) {
    const std::string step = "make " + what + " file " + file;
    const File made(
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (made.get() < 0 && errno == EEXIST) return {}; // somebody else was first
    if (made.get() < 0) return fault(errno, step);
    std::string line{secret.reveal()};
    line += '\n';
    const auto written = ::write(made.get(), line.data(), line.size());
    const int error = written < 0 ? errno : ENOSPC;
    const bool is_whole = written == static_cast<ssize_t>(line.size());
    wipe(line.data(), line.size());
    if (is_whole && ::fsync(made.get()) == 0) return {};
    ::unlink(file.c_str());
    return fault(error, step);
}

} // namespace keygate::config
