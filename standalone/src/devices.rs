//! `undertone devices`: the audio inputs, and which one `live` takes.

use std::io::{self, Write as _};

use console::Style;

use crate::fault::{Ending, Fault};
use crate::inputs::{self, InputError};
use crate::models::print_json;
use crate::term;

/// Runs the command.
pub fn run(json: bool) -> Result<Ending, Fault> {
    let inputs = inputs::list().map_err(|error| Fault::Broken(error.into()))?;
    let mut out = io::stdout().lock();
    if json {
        return print_json(&mut out, &inputs);
    }
    if inputs.is_empty() {
        return Err(Fault::Broken(InputError::NoInput.into()));
    }
    for input in inputs {
        let mark = if input.default {
            Style::new().green().apply_to("●").to_string()
        } else {
            " ".to_owned()
        };
        let about = format!(
            "{} Hz, {} channels, {}, {}",
            input.rate, input.channels, input.format, input.system
        );
        let name = term::plain(&input.name);
        let id = term::plain(&input.id);
        writeln!(
            out,
            "{mark} {name}\n    {id}  {}",
            Style::new().dim().apply_to(about)
        )
        .map_err(Fault::output)?;
    }
    Ok(Ending::Good)
}
