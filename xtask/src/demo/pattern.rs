//! When a pattern's events begin: a second opinion, computed apart from the engine.
//!
//! Only the operators that the demo uses; the engine's own evaluator is `krach-patterns`.

use serde_json::Value;

use super::time::Time;

/// Something that happens at one moment: a control gets a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Onset {
    /// When, in cycles.
    pub time: Time,
    /// Control label, e.g. `kick/gain`.
    pub label: String,
    /// Its new value.
    pub value: f64,
}

/// Why a pattern could not be read.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadError {
    /// The pattern is wrong, by the rules of the pattern language: an engine must refuse it too.
    Refused(String),
    /// The pattern may well be right, but its operator or value is not understood here.
    Unknown(String),
}

/// A pattern of the demo.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// One event per cycle.
    Control(String, f64),
    /// None.
    Silence,
    /// The children share each cycle.
    Cat(Vec<Pattern>),
    /// All at once.
    Stack(Vec<Pattern>),
    /// This many times as fast (> 0).
    Fast(Time, Box<Pattern>),
    /// Later by this many cycles.
    Late(Time, Box<Pattern>),
}

impl Pattern {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// If the pattern is wrong, or not understood here.
    pub fn read(json: &Value) -> Result<Self, ReadError> {
        let child = || Self::read(&json["child"]).map(Box::new);
        let children = || -> Result<Vec<Self>, ReadError> {
            let list = json["children"].as_array().map(Vec::as_slice).unwrap_or_default();
            if list.is_empty() {
                return Err(refused("a Cat or Stack needs at least one child"));
            }
            list.iter().map(Self::read).collect()
        };
        match json["op"].as_str().unwrap_or_default() {
            "Atom" => {
                let value = &json["value"];
                match (value["type"].as_str(), value["label"].as_str(), value["value"].as_f64()) {
                    (Some("Control"), Some(label), Some(value)) => Ok(Self::Control(label.to_owned(), value)),
                    _ => Err(ReadError::Unknown(format!("the value {value} is no Control"))),
                }
            }
            "Silence" => Ok(Self::Silence),
            "Cat" => Ok(Self::Cat(children()?)),
            "Stack" => Ok(Self::Stack(children()?)),
            "Freeze" => child().map(|child| *child),
            "Fast" => Ok(Self::Fast(positive(&json["factor"])?, child()?)),
            "Slow" => Ok(Self::Fast(positive(&json["factor"])?.recip(), child()?)),
            "Late" => Ok(Self::Late(fraction(&json["offset"])?, child()?)),
            "Early" => Ok(Self::Late(-fraction(&json["offset"])?, child()?)),
            "Euclid" => {
                let number = |key: &str| json[key].as_u64().unwrap_or(0) as usize;
                let (pulses, steps) = (number("pulses"), number("steps"));
                if pulses > steps || steps == 0 {
                    return Err(refused(&format!("{pulses} pulses in {steps} steps")));
                }
                let hit = child()?;
                let mut hits = euclid(pulses, steps);
                hits.rotate_left(number("rotation") % steps);
                let step = |hit_here| if hit_here { (*hit).clone() } else { Self::Silence };
                Ok(Self::Cat(hits.into_iter().map(step).collect()))
            }
            other => Err(ReadError::Unknown(format!(
                "the demo's second opinion does not know the operator `{other}`"
            ))),
        }
    }

    /// The events that begin in `begin..end` (cycles), in the order of time.
    pub fn onsets(&self, begin: Time, end: Time) -> Vec<Onset> {
        let mut onsets = Vec::new();
        self.collect(begin, end, &|time| time, &mut onsets);
        onsets.sort_by_key(|onset| onset.time);
        onsets
    }

    /// Appends what begins in the window, with its times taken through `outer`.
    fn collect(&self, begin: Time, end: Time, outer: &dyn Fn(Time) -> Time, onsets: &mut Vec<Onset>) {
        if begin >= end {
            return;
        }
        match self {
            Self::Silence => {}
            Self::Control(label, value) => {
                let mut cycle = begin.ceil();
                while cycle < end {
                    let (label, value) = (label.clone(), *value);
                    onsets.push(Onset { time: outer(cycle), label, value });
                    cycle += Time::ONE;
                }
            }
            Self::Cat(children) => {
                let count = Time::from(children.len() as i128);
                let mut cycle = begin.floor();
                while cycle < end {
                    for (i, child) in children.iter().enumerate() {
                        // Inside, the child sees the whole cycle; outside it has one n-th of it.
                        let slot = cycle + Time::from(i as i128) / count;
                        let inner = |time: Time| cycle + (time - slot) * count;
                        let from = inner(begin).max(cycle);
                        let to = inner(end).min(cycle + Time::ONE);
                        child.collect(from, to, &|time| outer(slot + (time - cycle) / count), onsets);
                    }
                    cycle += Time::ONE;
                }
            }
            Self::Stack(children) => {
                for child in children {
                    child.collect(begin, end, outer, onsets);
                }
            }
            Self::Fast(factor, child) => {
                child.collect(begin * factor, end * factor, &|time| outer(time / factor), onsets);
            }
            Self::Late(offset, child) => {
                child.collect(begin - offset, end - offset, &|time| outer(time + offset), onsets);
            }
        }
    }
}

/// `[numerator, denominator]`.
fn fraction(json: &Value) -> Result<Time, ReadError> {
    match (json[0].as_i64(), json[1].as_i64()) {
        (Some(numer), Some(denom)) if denom != 0 => Ok(Time::new(numer.into(), denom.into())),
        _ => Err(refused(&format!("{json} is no fraction"))),
    }
}

fn positive(json: &Value) -> Result<Time, ReadError> {
    let value = fraction(json)?;
    if value > Time::ZERO { Ok(value) } else { Err(refused(&format!("the factor {json}"))) }
}

fn refused(why: &str) -> ReadError {
    ReadError::Refused(why.to_owned())
}

/// Bjorklund's pattern: pulses spread as evenly as they can be, the first on step 0.
///
/// Groups of two kinds are paired until at most one of the rarer kind is left (Toussaint, *The
/// Euclidean Algorithm Generates Traditional Musical Rhythms*, 2005).
fn euclid(pulses: usize, steps: usize) -> Vec<bool> {
    let mut front = vec![vec![true]; pulses];
    let mut back = vec![vec![false]; steps - pulses];
    while back.len() > 1 && !front.is_empty() {
        let paired = front.len().min(back.len());
        let (rest_of_front, rest_of_back) = (front.split_off(paired), back.split_off(paired));
        for (group, tail) in front.iter_mut().zip(back) {
            group.extend(tail);
        }
        back = if rest_of_front.is_empty() { rest_of_back } else { rest_of_front };
    }
    front.into_iter().chain(back).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn control(label: &str, value: f64) -> Value {
        json!({"op":"Atom","value":{"type":"Control","label":label,"value":value}})
    }

    fn hit() -> Value {
        let gate = json!({"op":"Cat","children":[control("v/gain", 1.0), control("v/gain", 0.0)]});
        json!({"op":"Freeze","child":gate})
    }

    /// Times at which the control opens.
    fn opens(pattern: Value, begin: i128, end: i128) -> Vec<Time> {
        let pattern = Pattern::read(&pattern).unwrap();
        let onsets = pattern.onsets(Time::from(begin), Time::from(end));
        onsets.into_iter().filter(|onset| onset.value > 0.0).map(|onset| onset.time).collect()
    }

    fn steps(of: i128, steps: &[i128]) -> Vec<Time> {
        steps.iter().map(|&step| Time::new(step, of)).collect()
    }

    #[test]
    fn a_hit_opens_on_its_step_and_closes_in_the_middle() {
        let pattern = Pattern::read(&json!({"op":"Cat","children":[hit(), hit()]})).unwrap();
        let onsets = pattern.onsets(Time::ZERO, Time::ONE);
        let found: Vec<_> = onsets.iter().map(|onset| (onset.time, onset.value)).collect();
        let times = steps(4, &[0, 1, 2, 3]);
        assert_eq!(found, times.into_iter().zip([1.0, 0.0, 1.0, 0.0]).collect::<Vec<_>>());
    }

    #[test]
    fn the_rhythms_of_euclid_are_the_known_ones() {
        let rhythm =
            |pulses, steps| opens(json!({"op":"Euclid","pulses":pulses,"steps":steps,"child":hit()}), 0, 1);
        assert_eq!(rhythm(3, 8), steps(8, &[0, 3, 6]));
        assert_eq!(rhythm(5, 8), steps(8, &[0, 2, 3, 5, 6]));
        assert_eq!(rhythm(5, 16), steps(16, &[0, 3, 6, 9, 12]));
        assert_eq!(rhythm(4, 4), steps(4, &[0, 1, 2, 3]));
        assert!(rhythm(0, 4).is_empty());
        let rotated = json!({"op":"Euclid","pulses":3,"steps":8,"rotation":3,"child":hit()});
        assert_eq!(opens(rotated, 0, 1), steps(8, &[0, 3, 5]));
    }

    #[test]
    fn what_is_late_comes_over_the_bar_line() {
        let late = json!({"op":"Late","offset":[3,4],"child":{"op":"Fast","factor":[2,1],"child":hit()}});
        assert_eq!(opens(late, 1, 2), steps(4, &[5, 7]));
    }

    #[test]
    fn slow_is_the_inverse_of_fast() {
        let slow = json!({"op":"Slow","factor":[2,1],"child":{"op":"Cat","children":[hit(), hit()]}});
        assert_eq!(opens(slow, 0, 4), steps(1, &[0, 1, 2, 3]));
        let slower = json!({"op":"Slow","factor":[3,1],"child":hit()});
        assert_eq!(opens(slower, 0, 7), steps(1, &[0, 3, 6]));
    }

    #[test]
    fn nested_cats_see_the_same_cycle_number() {
        let two_bars = json!({"op":"Slow","factor":[2,1],"child":
            {"op":"Cat","children":[hit(), {"op":"Silence"}]}});
        let pattern = json!({"op":"Cat","children":[two_bars, {"op":"Silence"}]});
        assert_eq!(opens(pattern, 0, 4), steps(1, &[0, 2]));
    }

    #[test]
    fn what_the_language_forbids_is_refused() {
        let wrong = [
            json!({"op":"Cat","children":[]}),
            json!({"op":"Fast","factor":[0,1],"child":hit()}),
            json!({"op":"Slow","factor":[1,0],"child":hit()}),
            json!({"op":"Euclid","pulses":9,"steps":8,"child":hit()}),
        ];
        for pattern in wrong {
            let read = Pattern::read(&pattern);
            assert!(matches!(read, Err(ReadError::Refused(_))), "{pattern}");
        }
    }

    #[test]
    fn an_operator_that_is_not_known_is_named() {
        let error = Pattern::read(&json!({"op":"Degrade","child":hit()})).unwrap_err();
        assert!(matches!(&error, ReadError::Unknown(why) if why.contains("`Degrade`")), "{error:?}");
    }
}
