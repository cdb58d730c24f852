//! Nothing: cargo wants a target, and this package only pins a crate. See `Cargo.toml`.
