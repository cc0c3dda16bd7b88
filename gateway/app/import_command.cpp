#include "app/import_command.hpp"

#include "admin/import_api.hpp"
#include "app/command_line.hpp"
#include "app/import_file.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <set>
#include <span>

#include <unistd.h>

namespace json = boost::json;

namespace keygate::app {

namespace {

// One call of an import: the gateway's bound in rows, and well below its bound in bytes.
constexpr std::size_t max_call_bytes = 512 * 1024;
constexpr std::size_t rows_with_progress = 10'000;

using Batch = std::span<const ImportRow>;

std::vector<Batch> batches_of(const std::vector<ImportRow>& rows) {
    std::vector<Batch> batches;
    std::size_t begin = 0;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto size = rows[i].body.size() + 1;
        const bool is_full = i - begin == admin::max_import_rows || bytes + size > max_call_bytes;
        if (i > begin && is_full) {
            batches.emplace_back(rows.data() + begin, i - begin);
            begin = i;
            bytes = 0;
        }
        bytes += size;
    }
    if (begin < rows.size()) batches.emplace_back(rows.data() + begin, rows.size() - begin);
    return batches;
}

std::string import_body(Batch batch) {
    std::string body = R"({"keys":[)";
    for (const auto& row : batch) {
        body += row.body;
        body += ',';
    }
    body.back() = ']';
    return body + '}';
}

/// Tells people how far it is; nobody else.
class Progress {
  public:
    Progress(std::ostream& err, std::size_t all)
        : err_(err)
        , all_(all)
        , is_shown_(all > rows_with_progress && ::isatty(STDERR_FILENO) != 0) {}

    ~Progress() {
        if (is_shown_) err_ << "\r\033[K" << std::flush;
    }

    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void show(std::string_view what, std::size_t count) {
        if (is_shown_) err_ << '\r' << what << ' ' << count << " of " << all_ << std::flush;
    }

  private:
    std::ostream& err_;
    std::size_t all_;
    bool is_shown_;
};

/// While it lives, SIGINT and SIGTERM wait until somebody asks for them: a call in hand comes to
/// its end. Threads that are started meanwhile hold them back as well.
class HeldSignals {
  public:
    HeldSignals() {
        ::sigemptyset(&held_);
        ::sigaddset(&held_, SIGINT);
        ::sigaddset(&held_, SIGTERM);
        ::pthread_sigmask(SIG_BLOCK, &held_, &before_);
    }

    ~HeldSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    HeldSignals(const HeldSignals&) = delete;
    HeldSignals& operator=(const HeldSignals&) = delete;

    /// @throws CommandError (refused) when one has come.
    void stop_if_asked() const {
        const timespec at_once{};
        if (::sigtimedwait(&held_, nullptr, &at_once) > 0)
            throw CommandError(exit_refused, "stopped by a signal");
    }

  private:
    sigset_t held_{};
    sigset_t before_{};
};

/// One run of the command, from the file to what is in.
class Import {
  public:
    Import(const HeldSignals& signals, AdminLink& link, ImportFile file, const ImportKeys& options,
           Console& console)
        : signals_(signals)
        , link_(link)
        , file_(std::move(file))
        , options_(options)
        , console_(console)
        , progress_(console.err, file_.rows.size()) {}

    void run() {
        check();
        report_mistakes();
        leave_out_existing();
        bring_in();
        if (options_.json) {
            console_.out << R"({"object":"import","imported":)" << imported_ << R"(,"skipped":)"
                         << existing_.size() << "}\n";
            return;
        }
        console_.out << "imported " << so_far();
        if (!existing_.empty()) console_.out << "; " << existing_.size() << " existed already";
        console_.out << '\n';
    }

  private:
    /// Asks the gateway what it would refuse.
    void check() {
        std::size_t checked = 0;
        for (const auto batch : batches_of(file_.rows)) {
            signals_.stop_if_asked();
            const auto reply = json::parse(
                call(link_, "POST", "/admin/v1/keys:import?dry_run=true", import_body(batch)));
            for (const auto& mistake : reply.at("mistakes").as_array())
                note(batch, mistake.as_object());
            checked += batch.size();
            progress_.show("checked", checked);
        }
    }

    void note(Batch batch, const json::object& mistake) {
        const auto row = mistake.at("row").to_number<std::size_t>();
        const std::size_t line = batch[row].line;
        if (options_.skip_existing && text(mistake, "reason") == "conflict") {
            existing_.insert(line);
            return;
        }
        auto message = text(mistake, "message");
        // The gateway counts within one call; people count lines.
        const std::string place = "keys[" + std::to_string(row) + "].";
        const auto found = message.find(place);
        if (found != std::string::npos) message.erase(found, place.size());
        file_.mistakes.push_back({line, std::move(message)});
    }

    void report_mistakes() {
        auto& mistakes = file_.mistakes;
        if (mistakes.empty()) return;
        std::stable_sort(mistakes.begin(), mistakes.end(),
                         [](const auto& a, const auto& b) { return a.line < b.line; });
        for (const auto& mistake : mistakes)
            console_.err << options_.input << ':' << mistake.line << ": " << mistake.message
                         << '\n';
        throw CommandError(exit_refused,
                           "nothing was imported; mistakes: " + std::to_string(mistakes.size()));
    }

    void leave_out_existing() {
        std::erase_if(file_.rows,
                      [&](const ImportRow& row) { return existing_.contains(row.line); });
    }

    void bring_in() {
        try {
            for (const auto batch : batches_of(file_.rows)) {
                signals_.stop_if_asked();
                (void)call(link_, "POST", "/admin/v1/keys:import", import_body(batch));
                imported_ += batch.size();
                progress_.show("imported", imported_);
            }
        } catch (const CommandError& e) {
            throw CommandError(e.status(), "imported " + so_far() + where() +
                                               ", then: " + e.what() +
                                               "\nthe rest: the same command with "
                                               "--skip-existing");
        }
    }

    [[nodiscard]] std::string so_far() const {
        return std::to_string(imported_) + " of " + std::to_string(file_.rows.size()) + " keys";
    }

    [[nodiscard]] std::string where() const {
        if (imported_ == 0) return {};
        return ", up to line " + std::to_string(file_.rows[imported_ - 1].line);
    }

    const HeldSignals& signals_;
    AdminLink& link_;
    ImportFile file_;
    const ImportKeys& options_;
    Console& console_;
    Progress progress_;
    std::set<std::size_t> existing_; // lines
    std::size_t imported_ = 0;
};

} // namespace

int import_keys(const ImportKeys& options, Console& console) {
    return reported(console.err, [&] {
        const auto settings = load_settings(options.config);
        const auto api = api_of(settings, options.api);
        auto file = read_import(read_input(options.input, console), api);
        if (file.rows.empty() && file.mistakes.empty())
            throw CommandError(exit_refused, options.input + ": there is no key in it");
        const HeldSignals signals; // before the store has a thread
        const auto link = open_link(settings);
        Import(signals, *link, std::move(file), options, console).run();
        return exit_done;
    });
}

void add_import_command(CLI::App& keys, std::function<int()>& chosen) {
    auto [flags, brought] =
        add_command(keys, chosen, "import", "Bring in keys that exist already", import_keys);
    flags.add_option("--api", brought.api, "API (may be left out if there is one)");
    flags.add_flag("--skip-existing", brought.skip_existing,
                   "Leave out keys whose id or digest is there already");
    flags
        .add_option("INPUT", brought.input,
                    "CSV with a header line, or JSON lines; - for standard input. Columns: digest "
                    "(sha256:<hex>), id, owner, name, plan, scopes (separated by spaces; - for "
                    "none), mode, status, prefix, hint, created_at, expires_at, rate, quota, "
                    "addresses, referrers, endpoints (separated by ;), bind (store=7)")
        ->required();
}

} // namespace keygate::app
