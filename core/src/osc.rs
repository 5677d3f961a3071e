//! OSC 1.0 messages as bytes: what a pattern's value becomes before it is due.

use krach_patterns::OscArg;

/// An OSC message that has come due, for whoever has the socket.
#[derive(Clone, Debug, PartialEq)]
pub struct OscMessage {
    /// When, in samples since activation.
    pub sample: i64,
    /// The message, ready to be sent in one datagram.
    pub packet: std::sync::Arc<[u8]>,
}

/// Encodes a message (OSC 1.0: address, type tags, arguments, each padded to four bytes, big endian).
/// Floats go as `f`, whole numbers as `i`, or as `h` beyond 32 bits, texts as `s`. `None` if the
/// address does not begin with `/`, or a text holds a zero byte, which OSC cannot carry.
pub fn encode(address: &str, args: &[OscArg]) -> Option<Vec<u8>> {
    if !address.starts_with('/') {
        return None;
    }
    let mut packet = Vec::new();
    let mut tags = String::from(",");
    let mut data = Vec::new();
    push_text(&mut packet, address)?;
    for arg in args {
        match arg {
            OscArg::Float(x) => {
                tags.push('f');
                data.extend((*x as f32).to_be_bytes());
            }
            OscArg::Int(i) => match i32::try_from(*i) {
                Ok(i) => {
                    tags.push('i');
                    data.extend(i.to_be_bytes());
                }
                Err(_) => {
                    tags.push('h');
                    data.extend(i.to_be_bytes());
                }
            },
            OscArg::Str(text) => {
                tags.push('s');
                push_text(&mut data, text)?;
            }
        }
    }
    push_text(&mut packet, &tags)?;
    packet.extend(data);
    Some(packet)
}

/// A text, its closing zero, and zeros up to the next multiple of four.
fn push_text(out: &mut Vec<u8>, text: &str) -> Option<()> {
    if text.contains('\0') {
        return None;
    }
    out.extend(text.as_bytes());
    out.resize((out.len() / 4 + 1) * 4, 0);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_specification_come_out_to_the_byte() {
        // OSC 1.0, "Examples".
        let packet = encode("/oscillator/4/frequency", &[OscArg::Float(440.0)]).unwrap();
        assert_eq!(packet, b"/oscillator/4/frequency\0,f\0\0\x43\xdc\0\0");
        let args = [
            OscArg::Int(1000),
            OscArg::Int(-1),
            OscArg::Str("hello".into()),
            OscArg::Float(f64::from(1.234_f32)),
            OscArg::Float(f64::from(5.678_f32)),
        ];
        let packet = encode("/foo", &args).unwrap();
        let expected: &[u8] =
            b"/foo\0\0\0\0,iisff\0\0\0\0\x03\xe8\xff\xff\xff\xffhello\0\0\0\x3f\x9d\xf3\xb6\x40\xb5\xb2\x2d";
        assert_eq!(packet, expected);
    }

    #[test]
    fn what_osc_cannot_carry_is_no_message() {
        assert_eq!(encode("kick", &[]), None);
        assert_eq!(encode("/a", &[OscArg::Str("x\0y".into())]), None);
        assert_eq!(encode("/a", &[OscArg::Int(1 << 40)]).unwrap(), b"/a\0\0,h\0\0\0\0\x01\0\0\0\0\0");
    }
}
