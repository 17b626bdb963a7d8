//! One binary for all tests of the language: errors, hostile texts, meaning, and the three
//! evaluators against each other.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test fail it as the test itself does"
)]
#![expect(
    clippy::too_many_lines,
    reason = "a table of cases is as long as its cases"
)]

mod attacks;
mod errors;
mod kit;
mod meaning;
mod places;
mod plans;
mod postgres;
mod texts;
mod three_ways;
mod worlds;
