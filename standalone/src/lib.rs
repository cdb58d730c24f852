//! The `undertone` command: analyse files, listen live, look after packs and devices.
//!
//! This crate is the edge: it reads what people give it, drives the engine, and writes what people read. It
//! must never hold a whole recording, leave half a file, or answer bad input with a panic.

pub mod analyze;
pub mod bench;
pub mod cli;
pub mod config;
pub mod devices;
pub mod doctor;
pub mod eval;
pub mod fault;
pub mod inputs;
pub mod live;
pub mod models;
pub mod profile;
pub mod recognisers;
pub mod settings;
pub mod shell;
pub mod sink;
pub mod sound;
pub mod stop;
pub mod term;
pub mod wheels;
pub mod whole;

use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use cli::{Cli, Command};
use fault::{Ending, Fault, say};
use settings::Settings;

/// Runs the program with the process's own arguments.
pub fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let ending = run(cli, &matches).unwrap_or_else(|fault| {
        if !matches!(fault, Fault::Closed) {
            say(&fault);
        }
        fault.ending()
    });
    ending.into()
}

fn run(cli: Cli, matches: &ArgMatches) -> Result<Ending, Fault> {
    // A shell asks for completions at every login, whatever the settings file has come to.
    match &cli.command {
        Command::Completions { shell } => return shell::completions(*shell),
        Command::Man => {
            // A folder for results, set once for all, is not meant for manuals.
            let flag = matches.value_source("out") == Some(ValueSource::CommandLine);
            return shell::man(cli.settings.out.as_deref().filter(|_| flag));
        }
        _ => {}
    }
    // What is wrong with the settings file is the doctor's to tell, not to die of.
    let settings = Settings::resolve(cli.settings.clone(), matches, cli.config.as_deref());
    if let Command::Doctor(args) = &cli.command {
        return doctor::run(args.json, settings);
    }
    // Who looks for what is wrong needs to see what would be right.
    if let (Command::Config(args), Err(error)) = (&cli.command, &settings)
        && let Ok(without) = Settings::without_file(cli.settings, matches, cli.config.as_deref())
    {
        term::set_colours(without.color);
        config::run(args.json, &without)?;
        return Err(Fault::User(error.to_string()));
    }
    let settings = settings?;
    term::set_colours(settings.color);
    match cli.command {
        Command::Analyze(args) => analyze::run(&args, &settings),
        Command::Live(args) => live::run(&args, &settings),
        Command::Devices(args) => devices::run(args.json),
        Command::Doctor(args) => doctor::run(args.json, Ok(settings)),
        Command::Bench(args) => bench::run(&args, &settings),
        Command::Eval(args) => eval::run(&args, &settings),
        Command::Models { action } => models::run(&action, &settings),
        Command::Profile { action } => profile::run(&action),
        Command::Config(args) => config::run(args.json, &settings),
        // Already served.
        Command::Completions { .. } | Command::Man => Ok(Ending::Good),
    }
}
