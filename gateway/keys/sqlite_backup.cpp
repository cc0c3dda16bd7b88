#include "keys/sqlite_backup.hpp"

#include "keys/format.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace keygate::keys::sqlite {
namespace {

namespace errc = boost::system::errc;

constexpr int pages_per_step = 512; // 2 MiB: some milliseconds

Fault system_fault(const std::string& step) {
    return {{errno, boost::system::system_category()}, step};
}

/// A file that is there only as long as nobody has kept it.
class PartFile {
  public:
    explicit PartFile(std::string name)
        : name_(std::move(name)) {}

    ~PartFile() {
        for (const char* suffix : {"", "-journal", "-wal", "-shm"})
            if (is_made_) ::unlink((name_ + suffix).c_str());
    }

    PartFile(const PartFile&) = delete;
    PartFile& operator=(const PartFile&) = delete;

    [[nodiscard]] Result<void> make() {
        const int made = ::open(name_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        if (made < 0) return system_fault("make " + name_);
        ::close(made);
        is_made_ = true;
        return {};
    }

    /// Gives it the name that people look for; one that is taken stays as it is.
    [[nodiscard]] Result<void> publish(const std::string& name) const {
        if (::link(name_.c_str(), name.c_str()) != 0) return system_fault("make " + name);
        const std::string folder = std::filesystem::path{name}.parent_path().string();
        const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (opened < 0) return system_fault("open " + folder);
        const bool is_synced = ::fsync(opened) == 0 || errno == EINVAL; // some file systems cannot
        Result<void> synced;
        if (!is_synced) synced = system_fault("sync " + folder);
        ::close(opened);
        return synced;
    }

    [[nodiscard]] const std::string& name() const { return name_; }

  private:
    std::string name_;
    bool is_made_ = false;
};

class Backup final : public StoreBackup {
  public:
    explicit Backup(std::string file)
        : file_(std::move(file))
        // A name that nobody else has: what a kill has left does not stand in the way.
        , part_(file_ + ".part-" + mint_id().substr(4)) {}

    ~Backup() override { end(); }

    Backup(const Backup&) = delete;
    Backup& operator=(const Backup&) = delete;

    [[nodiscard]] Result<void> begin(Database& source) {
        if (std::error_code ignored; std::filesystem::exists(file_, ignored))
            return Fault{make_error_code(errc::file_exists), file_};
        if (auto made = part_.make(); !made) return made;
        auto opened = Database::open(part_.name());
        if (!opened) return opened.error();
        target_.emplace(std::move(*opened));
        copy_ = sqlite3_backup_init(target_->handle(), "main", source.handle(), "main");
        if (copy_ == nullptr)
            return fault_of(target_->handle(), sqlite3_errcode(target_->handle()), "copy");
        return {};
    }

    Result<bool> step() override {
        const int code = sqlite3_backup_step(copy_, pages_per_step);
        if (code == SQLITE_OK) return false;
        if (code != SQLITE_DONE) return fault_of(target_->handle(), code, "copy to " + file_);
        const int ended = end();
        if (ended != SQLITE_OK) return fault_of(nullptr, ended, "copy to " + file_);
        if (auto kept = part_.publish(file_); !kept) return kept.error();
        return true;
    }

  private:
    /// Closes the copy; SQLite has synced it with its last step.
    int end() {
        const int code =
            copy_ != nullptr ? sqlite3_backup_finish(std::exchange(copy_, nullptr)) : SQLITE_OK;
        target_.reset();
        return code;
    }

    std::string file_;
    PartFile part_;
    std::optional<Database> target_;
    sqlite3_backup* copy_ = nullptr;
};

} // namespace

Result<std::unique_ptr<StoreBackup>> begin_backup(Database& database, const std::string& file) {
    const std::filesystem::path path{file};
    if (!path.is_absolute() || !path.has_filename())
        return Fault{make_error_code(errc::invalid_argument), "an absolute path is needed"};
    auto backup = std::make_unique<Backup>(file);
    if (auto begun = backup->begin(database); !begun) return begun.error();
    return std::unique_ptr<StoreBackup>{std::move(backup)};
}

} // namespace keygate::keys::sqlite
