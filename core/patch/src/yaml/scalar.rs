//! What a plain scalar is: the core schema of YAML 1.2 (chapter 10.3.2).

/// A scalar as its text resolves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f32),
    Text(&'a str),
}

/// The meaning of a plain scalar.
pub(super) fn resolve(text: &str) -> Scalar<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f32::NAN),
        _ => {}
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Scalar::Float(sign * f32::INFINITY);
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(rest) =
            text.strip_prefix(prefix).filter(|rest| rest.starts_with(|c: char| c.is_digit(radix)))
        {
            return i64::from_str_radix(rest, radix).map_or(Scalar::Text(text), Scalar::Int);
        }
    }
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // Beyond 64 bits it is a number all the same.
        return text
            .parse()
            .map_or_else(|_| Scalar::Float(text.parse().unwrap_or(f32::INFINITY)), Scalar::Int);
    }
    let numeric = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    let begins = digits.strip_prefix('.').unwrap_or(digits).starts_with(|c: char| c.is_ascii_digit());
    if begins && digits.bytes().all(numeric) {
        return text.parse().map_or(Scalar::Text(text), Scalar::Float);
    }
    Scalar::Text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_what_the_core_schema_says() {
        use Scalar::{Bool, Float, Int, Null, Text};
        for (text, meaning) in [
            ("", Null),
            ("~", Null),
            ("true", Bool(true)),
            ("yes", Text("yes")),
            ("12", Int(12)),
            ("-0", Int(0)),
            ("+7", Int(7)),
            ("0x1F", Int(31)),
            ("0o17", Int(15)),
            ("0x", Text("0x")),
            ("1.5", Float(1.5)),
            ("-.5", Float(-0.5)),
            ("1.", Float(1.0)),
            ("1e3", Float(1_000.0)),
            ("2.5E-1", Float(0.25)),
            ("-.inf", Float(f32::NEG_INFINITY)),
            ("99999999999999999999", Float(1e20)),
            ("1.2.3", Text("1.2.3")),
            (".", Text(".")),
            ("-", Text("-")),
            ("C3", Text("C3")),
            ("e3", Text("e3")),
            ("1e", Text("1e")),
        ] {
            assert_eq!(resolve(text), meaning, "{text:?}");
        }
    }
}
