// What has to hold of results, whatever the network. What does not ends the process with a message.
#pragma once

#include "problem.hpp"
#include "relufast/breakpoints.hpp"

namespace relufast::fuzz {

void require(bool holds, const char* what);

// Whose network a message shows from here on, in Python's words; it has to live as long.
void show_at_failure(const Problem* problem);

bool is_certified(const Breakpoints& found);

// Sizes, ranges and order.
void check_form(const Problem& problem, const Breakpoints& found);

// Between proven knots, activities are those that evaluations at single points are sure of.
void check_activities(const Problem& problem, const Breakpoints& found);

// What both have proven is the same. `reach`: in both, also which knots reach the output.
void check_agreement(const Breakpoints& one, const Breakpoints& other, bool reach);

// Every bit is the same.
void check_equality(const Breakpoints& one, const Breakpoints& other);

// A certified count against the breakpoints themselves, if these are certified.
void check_counts(const Problem& problem, const std::vector<std::int64_t>& counts,
                  const Breakpoints& found);

}  // namespace relufast::fuzz
