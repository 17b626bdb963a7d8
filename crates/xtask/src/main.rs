//! Every chore of this repository as one program, run as `cargo xtask <command>`.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    reason = "a chore talks to the person who runs it"
)]

mod bench;
mod codegen;
mod demo;
mod packages;
mod passwords;
mod postgres;
mod python;
mod run;
mod scan;
mod test;
mod tidy;
mod types;
mod web;

use std::process::ExitCode;

use run::{Outcome, Workspace};

/// One command: its name, what it does, its own help, and the function behind it.
struct Command {
    name: &'static str,
    about: &'static str,
    help: &'static str,
    run: fn(&Workspace, &[String]) -> Outcome,
}

const COMMANDS: [Command; 6] = [
    Command {
        name: "demo",
        about: "build Galley and run it with two seeded projects",
        help: demo::HELP,
        run: demo::run,
    },
    Command {
        name: "test",
        about: "run every check there is; installs what it needs on Debian as root",
        help: test::HELP,
        run: test::run,
    },
    Command {
        name: "tidy",
        about: "check the walls between the crates and the habits of the house",
        help: tidy::HELP,
        run: tidy::run,
    },
    Command {
        name: "codegen",
        about: "write the files that are generated from the code",
        help: codegen::HELP,
        run: codegen::run,
    },
    Command {
        name: "passwords",
        about: "renew the list of common passwords",
        help: passwords::HELP,
        run: passwords::run,
    },
    Command {
        name: "bench",
        about: "measure Galley beside PocketBase",
        help: bench::HELP,
        run: bench::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        println!("{}", overview());
        return ExitCode::from(2);
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        return help(rest.first());
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!(
            "error: there is no command `{name}`; `cargo xtask help` lists the ones there are"
        );
        return ExitCode::from(2);
    };
    let own = rest.iter().take_while(|argument| *argument != "--");
    if command.name != "demo" && own.into_iter().any(|a| a == "--help" || a == "-h") {
        println!("{}", command.help);
        return ExitCode::SUCCESS;
    }
    match Workspace::find().and_then(|workspace| (command.run)(&workspace, rest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            if !message.is_empty() {
                eprintln!("error: {message}");
            }
            ExitCode::FAILURE
        }
    }
}

fn help(topic: Option<&String>) -> ExitCode {
    let Some(topic) = topic else {
        println!("{}", overview());
        return ExitCode::SUCCESS;
    };
    match COMMANDS.iter().find(|command| command.name == topic) {
        Some(command) => {
            println!("{}", command.help);
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("error: there is no command `{topic}`");
            ExitCode::from(2)
        }
    }
}

fn overview() -> String {
    let mut text = String::from(
        "The chores of this repository.\n\nUsage: cargo xtask <command> [arguments]\n\nCommands:\n",
    );
    for command in &COMMANDS {
        text.push_str(&format!("  {:<11}{}\n", command.name, command.about));
    }
    text.push_str("  help       explain a command: cargo xtask help test");
    text
}
