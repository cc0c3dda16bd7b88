#pragma once

#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <vector>

// Limits and bindings as people write them in flags and in cells, as the admin API takes them.
namespace keygate::app {

/// `100/1m 5/1s`, parted.
[[nodiscard]] std::vector<std::string> words_of(std::string_view text);

/// One rate or a list: each `100/1m`, or a JSON object. Nothing of none.
/// @param wrong  what cannot be read, if anything.
[[nodiscard]] boost::json::value rate_from(const std::vector<std::string>& words,
                                           std::string& wrong);
/// An object: each word `requests=1000/month`, or `tests={"limit":"50/day","by":"owner"}`. Several
/// of one meter become a list. Nothing of none.
[[nodiscard]] boost::json::value quota_from(const std::vector<std::string>& words,
                                            std::string& wrong);

/// An object of texts: each word `store=267418190`. Nothing of none.
[[nodiscard]] boost::json::value bind_from(const std::vector<std::string>& words,
                                           std::string& wrong);

} // namespace keygate::app
