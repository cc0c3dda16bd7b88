#pragma once

#include "config/load.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace keygate::config {

/// Gathers the mistakes of one file. Reading goes on after each, so that all come at once.
class Report {
  public:
    explicit Report(std::string file)
        : file_(std::move(file)) {}

    void add(Place place, std::string path, std::string message) {
        mistakes_.push_back({file_, place, std::move(path), std::move(message)});
    }

    [[nodiscard]] bool empty() const { return mistakes_.empty(); }

    [[nodiscard]] std::size_t size() const { return mistakes_.size(); }

    [[nodiscard]] const std::string& file() const { return file_; }

    /// In the order of the text; those of one place in the order in which they were found.
    [[nodiscard]] std::vector<Mistake> sorted() const;

  private:
    std::string file_;
    std::vector<Mistake> mistakes_;
};

} // namespace keygate::config
