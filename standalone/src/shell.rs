//! For shells and manuals: completions and man pages, both made from the command line itself.

use std::io::{self, Write as _};
use std::path::Path;

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::fault::{Ending, Fault};
use crate::sink::{Target, WriteError};

/// Prints the completions for a shell.
pub fn completions(shell: Shell) -> Result<Ending, Fault> {
    // Into memory first: the generator panics where it cannot write, and a closed pipe is no panic.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "undertone", &mut text);
    io::stdout().write_all(&text).map_err(Fault::output)?;
    Ok(Ending::Good)
}

/// Prints the manual page, or writes one for each command into a folder.
pub fn man(out: Option<&Path>) -> Result<Ending, Fault> {
    let mut command = Cli::command();
    command.build();
    let Some(dir) = out else {
        let page = render(&command, "undertone")?;
        io::stdout().write_all(&page).map_err(Fault::output)?;
        return Ok(Ending::Good);
    };
    write_pages(dir, &command, "undertone")?;
    Ok(Ending::Good)
}

fn write_pages(dir: &Path, command: &Command, name: &str) -> Result<(), Fault> {
    let path = dir.join(format!("{name}.1"));
    let mut target = Target::file(&path)?;
    if let Err(source) = target.write_all(&render(command, name)?) {
        return Err(WriteError::File { path, source }.into());
    }
    target.commit()?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        write_pages(dir, sub, &format!("{name}-{}", sub.get_name()))?;
    }
    Ok(())
}

fn render(command: &Command, name: &str) -> Result<Vec<u8>, Fault> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .title(name)
        .render(&mut page)
        .map_err(|error| Fault::Broken(error.into()))?;
    Ok(page)
}
