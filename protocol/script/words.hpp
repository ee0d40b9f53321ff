#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The closed vocabularies of the scenario language (docs/scenario-language.md). Every enumeration has
/// `to_string`, which gives the word as it stands in a file, and a `…_from_string`, which is empty for
/// anything else.
namespace smtpspec::script {

/// All times of the language; the smallest unit that can be written is a millisecond.
using Duration = std::chrono::microseconds;

/// Ordered from best to worst as the judgement of §5 ranks them; `Error` is ours alone and never stands in a
/// head.
enum class Verdict { Pass, Tolerated, Warn, Skipped, Unsupported, Inconclusive, Fail, Vulnerable, Error };
enum class Level { Must, MustNot, Should, ShouldNot, May, Security };
enum class Severity { Info, Low, Medium, High, Critical };
/// Who is under test (or, in a line of the script, who speaks).
enum class Side { Client, Server };
enum class Mode { Starttls, Tls, Plain };
enum class Service { Submission, Mx };
/// The start states of §4, in the order in which they are reached.
enum class State { Tcp, Connected, Greeted, Ehlo, Tls, Authenticated, Envelope, Data };

/// What a rule of `serve` can be hung on (§6). `Content` is `data SIZE`, `Data` the verb DATA.
enum class Event {
    Connect,
    ClientHello,
    Tls,
    Command,
    Ehlo,
    Helo,
    Starttls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Vrfy,
    Quit,
    AuthLine,
    Content,
    EndOfData,
    Idle,
    End
};

enum class CloseHow { Any, Notify, Fin, Rst };
enum class DropHow { Fin, Rst };
enum class LimiterScope { Login, Address, Connection, All };

std::string_view to_string(Verdict verdict);
std::string_view to_string(Level level);
std::string_view to_string(Severity severity);
std::string_view to_string(Side side);
std::string_view to_string(Mode mode);
std::string_view to_string(Service service);
std::string_view to_string(State state);
std::string_view to_string(Event event);
std::string_view to_string(CloseHow how);
std::string_view to_string(DropHow how);
std::string_view to_string(LimiterScope scope);

std::optional<Verdict> verdict_from_string(std::string_view word);
std::optional<Level> level_from_string(std::string_view word);
std::optional<Severity> severity_from_string(std::string_view word);
std::optional<Side> side_from_string(std::string_view word);
std::optional<Mode> mode_from_string(std::string_view word);
std::optional<Service> service_from_string(std::string_view word);
std::optional<State> state_from_string(std::string_view word);
std::optional<Event> event_from_string(std::string_view word);
std::optional<CloseHow> close_how_from_string(std::string_view word);
std::optional<DropHow> drop_how_from_string(std::string_view word);
std::optional<LimiterScope> limiter_scope_from_string(std::string_view word);

/// How bad a verdict is when several labels were reached: `inconclusive`, `unsupported` and `skipped` lose to
/// fail and vulnerable and win over the rest (§5, Judgement).
inline bool worse(Verdict a, Verdict b) { return static_cast<int>(a) > static_cast<int>(b); }

/// True for the event that is one command line with this verb (EHLO … QUIT).
bool is_verb(Event event);

/// `8s`, `250ms`, `2m`: the shortest way to write a time in the language.
std::string duration_text(Duration time);

/// A duration as the language writes it; empty if the text is no time with a unit.
std::optional<Duration> duration_from_string(std::string_view text);

/// Words of the grammar and of §9; none of them can be a name.
bool is_reserved_word(std::string_view word);

/// The words of all events, for messages.
const std::vector<std::string>& event_words();

}  // namespace smtpspec::script
