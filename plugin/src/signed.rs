//! A place on an axis, as a person reads it. The panel, the host's read-outs, the report and the live view write it alike.

/// With its sign, in hundredths. What rounds to nothing is "+0.00", from either side: "-0.00" would read back as another
/// number than it was written for.
pub fn signed(value: f32) -> String {
    let hundredths = (value * 100.0).round() / 100.0;
    // Adding 0 takes the sign from a zero.
    format!("{:+.2}", hundredths + 0.0)
}
