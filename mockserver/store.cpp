#include "mockserver/store.hpp"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace smtpspec::mock {

namespace asio = boost::asio;

tl::expected<std::uint64_t, std::string> MessageStore::add(Mail mail) {
    const std::lock_guard lock(mutex_);
    mail.number = last_number_ + 1;
    if (keeper_) {
        if (auto kept = keeper_(mail); !kept) {
            return tl::unexpected(std::move(kept.error()));
        }
    }
    ++last_number_;
    if (discards_) {
        return last_number_;
    }
    octets_ += mail.raw.size();
    mails_.push_back(std::move(mail));
    ++version_;
    changed_ = wire::Clock::now();
    return last_number_;
}

void MessageStore::count_one() {
    const std::lock_guard lock(mutex_);
    ++last_number_;
}

std::uint64_t MessageStore::accepted() const {
    const std::lock_guard lock(mutex_);
    return last_number_;
}

std::vector<Mail> MessageStore::all() const {
    const std::lock_guard lock(mutex_);
    return mails_;
}

std::size_t MessageStore::count() const {
    const std::lock_guard lock(mutex_);
    return mails_.size();
}

std::size_t MessageStore::octets() const {
    const std::lock_guard lock(mutex_);
    return octets_;
}

std::size_t MessageStore::copies(std::string_view token) const {
    const std::lock_guard lock(mutex_);
    const auto holds = [&](const Mail& mail) { return mail.raw.find(token) != std::string::npos; };
    return static_cast<std::size_t>(std::count_if(mails_.begin(), mails_.end(), holds));
}

void MessageStore::clear() {
    const std::lock_guard lock(mutex_);
    mails_.clear();
    octets_ = 0;
    ++version_;
    changed_ = wire::Clock::now();
}

std::uint64_t MessageStore::version() const {
    const std::lock_guard lock(mutex_);
    return version_;
}

wire::Awaitable<std::vector<Mail>> MessageStore::settled(std::chrono::milliseconds quiet,
                                                         wire::Deadline deadline) const {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (;;) {
        wire::Deadline until;
        {
            const std::lock_guard lock(mutex_);
            until = std::min(changed_ + quiet, deadline);
        }
        if (version() == 0 || until <= wire::Clock::now()) {
            co_return all();
        }
        timer.expires_at(until);
        co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
}

}  // namespace smtpspec::mock
