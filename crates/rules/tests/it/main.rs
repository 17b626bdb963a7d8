//! One binary for all tests of the language: errors, hostile texts, meaning, and the three
//! evaluators against each other.

mod attacks;
mod errors;
mod kit;
mod meaning;
mod plans;
mod postgres;
mod texts;
mod three_ways;
