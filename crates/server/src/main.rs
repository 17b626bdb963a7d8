//! The binary `galley`: reads the command line and runs one command.

mod app;
mod cli;
mod commands;
mod config;
mod control;
mod dashboard;
mod data_dir;
mod demo;
mod health;
mod logs;
mod memory;
mod news;
mod openapi;
mod people;
mod reload;
mod serve;
mod sites;
mod supervisor;
mod wiring;
mod worker;

use std::process::ExitCode;

fn main() -> ExitCode {
    store::use_small_pages();
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One clear line, whatever happened.
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("galley: {error}\n").as_bytes(),
            );
            ExitCode::FAILURE
        }
    }
}
