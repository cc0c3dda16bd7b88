#include "config/read_recoverable.hpp"

#include "config/paths.hpp"

#include <algorithm>

namespace keygate::config {

namespace {

constexpr std::string_view a_path = "a path";
constexpr std::size_t most_files = 16;

void read_old_files(const std::optional<View>& view, Recoverable& out) {
    if (!view) return;
    for (const View& item : view->items("a list of paths such as [reveal-2025.key]")) {
        const std::string* const file = item.text(a_path);
        if (!file) continue;
        auto& files = out.old_key_files;
        if (*file == out.key_file || std::find(files.begin(), files.end(), *file) != files.end())
            item.complain(item.seen() + " is listed twice");
        else
            files.push_back(*file);
    }
    if (out.old_key_files.size() > most_files)
        view->complain("at most " + std::to_string(most_files) + " old files are possible");
}

} // namespace

void read_recoverable(const std::optional<View>& view, Api& api) {
    if (!view) return;
    Fields fields{*view};
    Recoverable recoverable;
    read_text(fields.need("key_file"), recoverable.key_file, a_path);
    read_old_files(fields.take("old_key_files"), recoverable);
    fields.done();
    api.recoverable = std::move(recoverable);
}

void place_key_files(std::string_view folder, std::vector<Api>& apis) {
    for (Api& api : apis) {
        if (!api.recoverable) continue;
        api.recoverable->key_file = below(folder, api.recoverable->key_file);
        for (std::string& file : api.recoverable->old_key_files)
            file = below(folder, file);
    }
}

void print_recoverable(Printer& out, const Recoverable& recoverable) {
    out.open("recoverable");
    out.path("key_file", recoverable.key_file);
    const std::string path = out.here() + ".old_key_files";
    if (!recoverable.old_key_files.empty())
        out.line("old_key_files",
                 flow_list(recoverable.old_key_files, [&](const std::string& file, std::size_t i) {
                     return out.value({item_path(path, i)}, out.written(file));
                 }));
    out.close();
}

} // namespace keygate::config
