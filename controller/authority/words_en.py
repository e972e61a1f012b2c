"""The report's texts in English. The keys are those of words_it.py."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

ENGLISH: Final = MappingProxyType(
    {
        "title": "Report on silent calls",
        "for": "Campaign {campaign}, {since} to {until}",
        "page": "page",
        "unit.days": "days",
        # --- result
        "result": "Result",
        "result.kept": "In this period the rules below were kept.",
        "result.broken": "In this period the rules marked below were NOT kept.",
        "result.lifted": "In this period calls were placed with the limit lifted: the rules cannot be said "
        "to have been kept.",
        "rule": "rule",
        "found": "found",
        "verdict": "verdict",
        "kept": "kept",
        "broken": "NOT KEPT",
        "not_judged": "not judged",
        "rule.limit": "Limit “{name}”: at most {share} silent calls per 100 {denominator}, {window}, at "
        "every "
        "instant",
        "found.limit": "highest {ratio} per 100 ({silent} of {denominator}), {at}",
        "found.limit.none": "no silent call",
        "rule.no_limit": "No silent calls: the profile allows none",
        "rule.cut": "No answered call without an agent for longer than {cut} s from the answer",
        "found.cut": "longest silent call {silent}; longest wait for an agent {agent}; over the time: {late}",
        "rule.message": "A message at most {cut} s after the answer",
        "found.message": "when the message began is not in the record; longest silent call, message "
        "included: "
        "{silent}",
        "rule.noise": "Noise at most {within} s after the answer",
        "found.noise": "latest after {longest}; later than allowed: {late}",
        "rule.suppression": "After a silent call no call for {days} days",
        "rule.suppression.agent": "After a silent call no call for {days} days, and then only with an agent "
        "reserved",
        "found.suppression": "silent calls: {silent}; called again: {again}, the earliest after {earliest}; "
        "not kept: {broken}",
        "rule.lifted": "No limit lifted",
        "found.lifted": "calls placed with the limit lifted: {lifted}, silent among them: {silent}",
        "rule.record": "The record is as it was written",
        "found.record": "{entries} entries, {attempts} calls compared with them; differences: {findings}",
        "found.record.unverified": "not verified when this report was made",
        # --- campaign
        "campaign": "Campaign",
        "campaign.id": "campaign",
        "campaign.caller": "on whose behalf",
        "campaign.numbers": "numbers presented",
        "campaign.number": "{number} ({calls} calls)",
        "campaign.no_number": "left to the carrier ({calls} calls)",
        "campaign.no_calls": "no calls",
        "campaign.profile": "rules applied",
        "campaign.in_force": "in force",
        "campaign.superseded": "superseded: {why}",
        "campaign.status": "status of the rules",
        "campaign.looser": "looser than {extends} in: {fields}; decided by {author}: {reason}",
        "campaign.laws": "calls placed under",
        "campaign.period": "period",
        "campaign.zone": "times by the clock of",
        "campaign.made": "report made",
        # --- calls
        "calls": "Calls",
        "calls.intro": "Every call placed in the period is in exactly one line.",
        "calls.answered": "answered",
        "calls.class": "answered calls",
        "calls.meaning": "meaning",
        "calls.number": "calls",
        "calls.silent": "counted as silent",
        "calls.all_placed": "calls placed",
        "calls.answered_above": "answered (table above)",
        "calls.under_way": "under way when the report was made",
        "calls.all": "all calls",
        "class.agent": "agent",
        "class.silent": "silent",
        "class.machine": "machine",
        "class.fax": "fax",
        "class.message": "message",
        "class.left": "callee left",
        "class.failure": "failure",
        "meaning.agent": "a person heard an agent",
        "meaning.silent": "no agent reached it, and the caller ended it",
        "meaning.machine": "an agent found an answering machine",
        "meaning.fax": "an agent found a fax",
        "meaning.message": "nobody was to speak (a campaign without agents): the callee heard the message, "
        "or its beginning",
        "meaning.left": "the callee hung up before the cut; not silent only if being bridged since the "
        "answer",
        "meaning.failure": "broken off by the network, or nobody saw its end",
        "outcome.busy": "busy",
        "outcome.no-answer": "no answer",
        "outcome.rejected": "rejected",
        "outcome.unreachable": "unreachable",
        "outcome.invalid-number": "invalid number",
        "outcome.congestion": "network congested",
        "outcome.failed": "could not be placed",
        "outcome.cancelled": "taken back while ringing",
        "calls.strict": "Without machines and faxes among the successes, the period has {ratio} silent "
        "calls per "
        "100 ({silent} of {persons} persons who heard an agent).",
        # --- limits
        "limits": "Silent calls against the limits",
        "limits.none": "The profile allows no silent calls.",
        "limit": "Limit “{name}”",
        "limit.share": "at most {share} silent calls per 100 {denominator}, {window}",
        "limit.windows": "windows with counted calls",
        "limit.final": "at the end of the period",
        "limit.final.value": "{ratio} per 100: {silent} silent, {denominator} {of}, {allowance} silent "
        "allowed",
        "limit.worst": "highest at any instant",
        "limit.worst.value": "{ratio} per 100: {silent} silent, {denominator} {of}, {allowance} silent "
        "allowed; "
        "{at}{window}",
        "limit.worst.window": "; window of {window}",
        "limit.over": "instants over the limit",
        "limit.over.first": "{count}, the first {at}: {silent} silent, {allowance} allowed",
        "denominator.successes": "calls that reached an agent",
        "denominator.answered": "answered calls",
        "window.all": "over the whole campaign",
        "window.day": "on each calendar day",
        "window.days": "in each stretch of {days} days",
        "chart.title": "Silent calls per 100 {denominator}, {window}",
        "chart.desc": "From {since} to {until}. Limit {share}. Highest {highest}, at the end {final}.",
        "chart.limit": "limit {share}",
        "chart.highest.day": "highest value of the day",
        "chart.highest.hour": "highest value of the hour",
        "chart.end.day": "at the end of the day",
        "chart.end.hour": "at the end of the hour",
        "chart.over": "over the limit",
        "chart.off": "▲ higher than the chart",
        "chart.axis": "silent calls per 100",
        "chart.empty": "no call counted in this period",
        # --- times
        "times": "Durations",
        "times.what": "seconds",
        "times.measured": "calls",
        "times.median": "median",
        "times.p95": "95 of 100 within",
        "times.longest": "longest",
        "times.allowed": "allowed",
        "times.silent": "silent call, from answer to end",
        "times.noise": "from answer to noise",
        "times.agent": "from answer to agent",
        "times.unseen": "Silent calls counted although nobody saw their end, and so not measured: {count}.",
        "times.no_noise": "Answered calls without a noted beginning of the noise: {count}.",
        "times.lengths": "length of the silent calls",
        "times.up_to": "up to {bound} s",
        "times.over": "over {bound} s",
        # --- suppressions
        "suppressions": "Numbers left alone after a silent call",
        "suppressions.silent": "silent calls, each of which barred its number",
        "suppressions.again": "called again since, in any campaign of the caller",
        "suppressions.waiting": "not called again",
        "suppressions.earliest": "earliest next call after",
        "suppressions.too_soon": "called again before {days} days",
        "suppressions.unguaranteed": "called again without an agent reserved",
        # --- decisions
        "decisions": "Limits lifted or loosened",
        "decisions.none": "The record holds no decision to lift or loosen a limit.",
        "decisions.at": "when",
        "decisions.what": "what",
        "decisions.author": "who",
        "decisions.reason": "why",
        "decisions.budget": "limit of silent calls lifted (laboratory)",
        "decisions.profile": "rules “{profile}”, looser in: {looser}",
        "decisions.calls": "Calls placed with the limit lifted: {lifted}; silent among them: {silent}. "
        "They are "
        "in all figures of this report.",
        # --- record
        "record": "The record",
        "record.head": "last entry of the chain",
        "record.hash": "its hash (SHA-256)",
        "record.entries": "entries read",
        "record.attempts": "calls compared with them",
        "record.result": "result",
        "record.whole": "whole: nothing was changed",
        "record.not_whole": "NOT AS WRITTEN: {count} differences",
        "record.unverified": "not verified",
        "record.more": "and {count} more",
        "record.note": "Whoever keeps this page can later show with the hash that the record was not written "
        "anew: campaign-controller evidence verify --expect {head}",
        # --- days
        "days": "Day by day",
        "days.note": "Only days on which calls were placed; the CSV file has all of them. Silent per 100: "
        "the "
        "highest value at any instant of the day.",
        "days.date": "date",
        "days.attempts": "calls",
        "days.answered": "answered",
        "days.agent": "agent",
        "days.silent": "silent",
        "days.left": "left",
        "days.message": "message",
        "days.failure": "failure",
        "days.machine": "machine",
        "days.fax": "fax",
        "days.unanswered": "not answered",
        "days.under_way": "under way",
        "days.counted": "counted silent",
        "days.successes": "reached an agent",
        "days.highest": "per 100, {limit}",
        "days.longest": "longest silent (s)",
        "days.none": "No calls were placed in this period.",
        "csv.end": "silent per 100, {limit}, at the end",
        "csv.highest": "silent per 100, {limit}, highest",
        "csv.longest": "longest silent call (s)",
        "csv.suppressed": "numbers left alone",
        "csv.not_kept": "of these not left alone long enough, or called without an agent reserved",
        "csv.lifted": "calls with the limit lifted",
        "csv.total": "total",
        # --- method
        "method": "How it was computed",
        "method.source": "All figures are computed from the recorded attempts alone; no counter of the "
        "dialer "
        "is used. The report holds no number called and no name.",
        "method.success": "A call counts as a success from the moment the callee heard an agent, as "
        "silent from "
        "its end, in the window in which it was placed. After each such event the limit is looked at "
        "anew. Of "
        "events at the same instant the silent call goes first.",
        "method.lost": "A call whose end nobody saw counts as silent.",
        "method.machine": "Machines and faxes that an agent found are successes by this count; the stricter "
        "figure is given beside it.",
        "method.noise": "The beginning of the noise is noted by the telephone exchange, the answer by the "
        "controller, as each saw it.",
        "method.suppression": "What followed a silent call is looked for in all campaigns of the same "
        "caller, up "
        "to the making of this report.",
    }
)
