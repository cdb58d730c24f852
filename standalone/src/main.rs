//! The `undertone` command; everything it does is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    undertone_app::main()
}
