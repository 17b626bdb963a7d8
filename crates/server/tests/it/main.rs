//! The server as its users meet it: the real binary, over HTTP and at the command line.

mod bad_input;
mod cli;
mod contract;
mod faults;
mod kit;
mod tour;
