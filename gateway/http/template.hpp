#pragma once

#include "config/settings.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Templates of profiles, compiled: letters as they are sent, with variables between them. Whoever
// answers says what a variable is; that nothing in it can end a text, a member or a header is seen
// to here.
//
//     const http::Template body = http::Template::json(*shape.body);        // at load
//     body.render(out, [&](std::string_view name, http::Slot& slot) {       // per answer
//         if (name == "key.id") return slot.text(record.id);
//         if (name == "key.scopes") return slot.list(scopes);
//         if (name == "requests.total") return slot.number(total);
//     });                                   // what nobody filled is null, or no letters in a text
namespace keygate::http {

/// Where a variable stands decides how its value is written.
enum class Place : std::uint8_t {
    value, // of JSON, alone: a text in quotes, a number, a list, null
    text,  // within a text of JSON
    plain, // in a body that is text
    field  // in a header's value: visible ASCII as it is, all else and `%` as %XX
};

/// Where one variable's value goes. Call one of these once. What is given is written straight to
/// the end of the output and kept nowhere else: a secret leaves no copy if the output has room for
/// it (see Template::render).
class Slot {
  public:
    Slot(std::string& out, Place place)
        : out_(out)
        , place_(place) {}

    /// UTF-8; bytes that are none become U+FFFD where JSON is written.
    void text(std::string_view value);
    void number(std::uint64_t value);
    void flag(bool value);
    void null();
    /// A list of texts; within texts and headers its elements with spaces between.
    void list(std::span<const std::string> values);
    /// JSON of any kind, which is trusted to be that.
    void json(std::string_view value);

    [[nodiscard]] bool is_filled() const { return is_filled_; }

  private:
    void word(std::string_view value);

    std::string& out_;
    Place place_;
    bool is_filled_ = false;
};

class Template {
  public:
    /// Nothing.
    Template() = default;

    // Texts whose variables cannot be told apart from their letters (config::pieces_of) are letters
    // as a whole; configurations that load have none.
    [[nodiscard]] static Template json(const config::Template& shape);
    [[nodiscard]] static Template plain(std::string_view text);
    [[nodiscard]] static Template field(std::string_view text);

    /// Adds letters, or another template, behind the end.
    Template& then(std::string_view letters);
    Template& then(const Template& more);

    /// Appends all of it.
    /// @param fill  `fill(name, slot)` gives the slot the value of that variable, or leaves it
    ///              alone: then it is null.
    /// @param out   grows as needed. If a secret is among the values, reserve `size()` and what the
    ///              values can take before; else moving it leaves a copy behind.
    template <class Fill> void render(std::string& out, const Fill& fill) const {
        for (const Piece& piece : pieces_) {
            out.append(piece.letters);
            if (piece.variable.empty()) continue;
            Slot slot{out, piece.place};
            fill(std::string_view{piece.variable}, slot);
            if (!slot.is_filled()) slot.null();
        }
    }

    /// The same with those variables as letters that `fill` gives a value to.
    template <class Fill> [[nodiscard]] Template filled(const Fill& fill) const {
        Template made;
        for (const Piece& piece : pieces_) {
            made.then(piece.letters);
            if (piece.variable.empty()) continue;
            std::string value;
            Slot slot{value, piece.place};
            fill(std::string_view{piece.variable}, slot);
            if (slot.is_filled())
                made.then(value);
            else
                made.add_variable(piece.variable, piece.place);
        }
        return made;
    }

    /// The letters before, between and behind its variables, with the quotes of those that stand
    /// alone: for who puts in texts of which it is known that nothing in them needs care.
    [[nodiscard]] std::vector<std::string> letters() const;

    /// How often a variable stands in it.
    [[nodiscard]] std::size_t count(std::string_view variable) const;
    /// How many variables stand in it.
    [[nodiscard]] std::size_t count() const;
    /// Bytes of its letters.
    [[nodiscard]] std::size_t size() const;

  private:
    struct Piece {
        std::string letters;
        std::string variable; // behind them; empty: none
        Place place = Place::value;
    };

    void add_variable(std::string_view name, Place place);
    void add_text(std::string_view text, Place place);
    void add_json(const config::Template& shape);

    std::vector<Piece> pieces_; // only the last one may have no variable
};

/// Appends text as it stands within quotes in JSON (RFC 8259 7); what is not UTF-8 as U+FFFD.
void append_json_text(std::string& out, std::string_view text);

} // namespace keygate::http
