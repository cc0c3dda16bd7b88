#include "policy/bill.hpp"

#include "net/admission.hpp"

#include <algorithm>
#include <span>
#include <variant>

namespace keygate::policy {
namespace {

using config::Limit;

class Writer {
  public:
    Writer(const Permit& permit, const config::Api& api, const Places& places)
        : route_(permit.route())
        , api_(api)
        , places_(places)
        , caller_(permit.caller())
        , plan_(permit.plan())
        , own_(caller_ != nullptr ? caller_->limits.get() : nullptr)
        , is_test_(caller_ != nullptr && caller_->mode == keys::Mode::test) {}

    [[nodiscard]] limit::Bill write() {
        if (caller_ != nullptr) {
            if (own_ != nullptr && own_->rates)
                add_all(*own_->rates);
            else if (is_test_ && api_.limits.test_rates)
                add_all(*api_.limits.test_rates);
            else
                add_plan_rates();
            if (!is_test_ || api_.limits.test_spends_quota) {
                add_quotas();
                add_counts();
            }
            add_concurrency();
        }
        add_all(route_.limits);
        return bill_;
    }

  private:
    void add_plan_rates() {
        if (plan_ == nullptr) return;
        for (const Limit& limit : plan_->limits)
            if (std::holds_alternative<config::Rate>(limit.rule)) add(limit, route_.weight);
    }

    void add_quotas() {
        if (own_ != nullptr)
            for (const Limit& limit : own_->quotas)
                add_quota(limit);
        if (plan_ == nullptr) return;
        for (const Limit& limit : plan_->limits) {
            const auto* const quota = std::get_if<config::Quota>(&limit.rule);
            if (quota != nullptr && !is_replaced(quota->meter)) add_quota(limit);
        }
    }

    /// What is shown, unless a quota counts the very same.
    void add_counts() {
        if (route_.meter.empty()) return;
        for (const Limit& limit : api_.counts)
            if (std::get<config::Quota>(limit.rule).meter == route_.meter && !has(limit))
                add(limit, 1);
    }

    [[nodiscard]] bool has(const Limit& limit) const {
        return std::any_of(bill_.items().begin(), bill_.items().end(), [&](const limit::Item& one) {
            return one.limit->tag == limit.tag && one.limit->by == limit.by;
        });
    }

    [[nodiscard]] bool is_replaced(const std::string& meter) const {
        return own_ != nullptr &&
               std::any_of(own_->quotas.begin(), own_->quotas.end(), [&](const Limit& limit) {
                   return std::get<config::Quota>(limit.rule).meter == meter;
               });
    }

    void add_quota(const Limit& limit) {
        const std::string& meter = std::get<config::Quota>(limit.rule).meter;
        if (meter == "requests")
            add(limit, route_.weight);
        else if (meter == route_.meter)
            add(limit, 1);
    }

    void add_concurrency() {
        if (plan_ == nullptr) return;
        for (const Limit& limit : plan_->limits)
            if (std::holds_alternative<config::Concurrency>(limit.rule)) add(limit, 1);
    }

    void add_all(std::span<const Limit> limits) {
        for (const Limit& limit : limits)
            add(limit, std::holds_alternative<config::Concurrency>(limit.rule) ? 1 : route_.weight);
    }

    void add(const Limit& limit, std::uint32_t cost) {
        bill_.add({.limit = &limit, .subject = subject(limit.by), .cost = cost});
    }

    [[nodiscard]] std::uint32_t subject(config::LimitBy by) {
        switch (by) {
        case config::LimitBy::key:
            return caller_->number;
        case config::LimitBy::owner:
            return caller_->owner_number;
        case config::LimitBy::route:
            return places_.route;
        case config::LimitBy::address:
            break;
        }
        if (address_ == 0)
            address_ = places_.addresses.number_of(api_.name, net::address_group(places_.address));
        return address_;
    }

    const Route& route_;
    const config::Api& api_;
    const Places& places_;
    const keys::Entry* const caller_;
    const config::Plan* const plan_;
    const config::KeyLimits* const own_;
    const bool is_test_;
    std::uint32_t address_ = 0; // looked up where a limit asks for it
    limit::Bill bill_;
};

} // namespace

limit::Bill bill_of(const Permit& permit, const config::Api& api, const Places& places) {
    return Writer{permit, api, places}.write();
}

} // namespace keygate::policy
