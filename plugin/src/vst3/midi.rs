//! MIDI controllers in. The format has no events for them: a host asks which parameter stands for a
//! controller (`IMidiMapping`), and sends the controller as changes of that parameter.
//!
//! | channels | controllers |
//! |---|---|
//! | all 16 | bend, pressure, pedal (64), timbre (74) |
//! | the first | modulation (1), volume (7), pan (10), expression (11), all sound off (120), reset (121), all notes off (123) |
//!
//! These parameters come after those of [`crate::params`], are hidden and not automatable, and no state
//! holds them: each is a message, and always reads its default. Ids and order are fixed for ever.

use super::com::Steinberg::Vst::ParameterInfo_::ParameterFlags_::kIsHidden;
use super::com::Steinberg::Vst::{ParameterInfo, kRootUnitId};
use super::controller::copy_text;

/// Controllers of every channel: their numbers, or those that the format gives to bend and pressure.
const OF_EACH: [u8; 4] = [BEND, PRESSURE, 64, 74];
/// Controllers of the first channel alone.
const OF_FIRST: [u8; 7] = [1, 7, 10, 11, 120, 121, 123];
/// The format's number for channel pressure, after the last controller.
const PRESSURE: u8 = 128;
/// The format's number for pitch bend.
const BEND: u8 = 129;
/// Largest position of a bend.
const BEND_STEPS: f64 = 16_383.0;
/// Id of channel 1's controller 0; the channel counts in steps of 256.
const FIRST_ID: u32 = 0x4d49_0000;

/// Number of these parameters.
pub const COUNT: usize = 16 * OF_EACH.len() + OF_FIRST.len();

/// One of these parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Controller {
    /// 0…15.
    channel: u8,
    number: u8,
}

impl Controller {
    /// The parameter of this place in the list.
    pub fn at(index: usize) -> Option<Self> {
        let each = 16 * OF_EACH.len();
        if let Some(first) = index.checked_sub(each) {
            return OF_FIRST.get(first).map(|&number| Self { channel: 0, number });
        }
        Some(Self { channel: (index / OF_EACH.len()) as u8, number: OF_EACH[index % OF_EACH.len()] })
    }

    /// The parameter for a controller in the format's numbers, if there is one.
    pub fn of(channel: i16, number: i16) -> Option<Self> {
        let found = Self { channel: u8::try_from(channel).ok()?, number: u8::try_from(number).ok()? };
        let known = OF_EACH.contains(&found.number) || found.channel == 0 && OF_FIRST.contains(&found.number);
        (found.channel < 16 && known).then_some(found)
    }

    /// The parameter with this id, if it is one of these.
    pub fn with_id(id: u32) -> Option<Self> {
        let place = id.checked_sub(FIRST_ID)?;
        Self::of(i16::try_from(place >> 8).ok()?, (place & 0xff) as i16)
    }

    /// Does this value end what sounds, or set the controllers back, and is it the default, too? A host that sends
    /// all parameters as they stand means nothing by it.
    pub fn ends_by_default(self, value: f64) -> bool {
        matches!(self.number, 120 | 121 | 123) && self.message(value)[2] == 0
    }

    /// Its id.
    pub fn id(self) -> u32 {
        FIRST_ID | u32::from(self.channel) << 8 | u32::from(self.number)
    }

    /// Where it stands before any message, normalised.
    pub fn default(self) -> f64 {
        match self.number {
            BEND => 0.5,
            // As General MIDI has it: 100 of 127, and the middle.
            7 => 100.0 / 127.0,
            10 => 64.0 / 127.0,
            11 => 1.0,
            _ => 0.0,
        }
    }

    /// The MIDI message of a normalised value.
    pub fn message(self, value: f64) -> [u8; 3] {
        let value = value.clamp(0.0, 1.0);
        let seven = (value * 127.0).round() as u8;
        match self.number {
            BEND => {
                let position = (value * BEND_STEPS).round() as u16;
                [0xe0 | self.channel, (position & 127) as u8, (position >> 7) as u8]
            }
            PRESSURE => [0xd0 | self.channel, seven, 0],
            number => [0xb0 | self.channel, number, seven],
        }
    }

    /// The value that MIDI counts: 0…127, bend -8192…8191.
    pub fn plain(self, value: f64) -> f64 {
        let value = value.clamp(0.0, 1.0);
        if self.number == BEND { (value * BEND_STEPS).round() - 8192.0 } else { (value * 127.0).round() }
    }

    /// The normalised value of one that MIDI counts.
    pub fn normalised(self, plain: f64) -> f64 {
        let share = if self.number == BEND { (plain + 8192.0) / BEND_STEPS } else { plain / 127.0 };
        share.clamp(0.0, 1.0)
    }

    /// What the host is told of it.
    pub fn info(self) -> ParameterInfo {
        // SAFETY: all fields are numbers and text, for which zero is a value.
        let mut info: ParameterInfo = unsafe { std::mem::zeroed() };
        info.id = self.id();
        copy_text(&self.name(), &mut info.title);
        copy_text(&self.name(), &mut info.shortTitle);
        info.defaultNormalizedValue = self.default();
        info.unitId = kRootUnitId;
        info.flags = kIsHidden as i32;
        info
    }

    /// Its name. Hosts know parameters that stand for controllers by its beginning.
    pub fn name(self) -> String {
        let channel = self.channel + 1;
        match self.number {
            BEND => format!("MIDI CC {channel}|bend"),
            PRESSURE => format!("MIDI CC {channel}|pressure"),
            number => format!("MIDI CC {channel}|{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{KrachParams, host_id};
    use std::collections::HashSet;

    fn all() -> Vec<Controller> {
        (0..COUNT).map(|index| Controller::at(index).expect("within the list")).collect()
    }

    #[test]
    fn every_controller_has_a_place_and_an_id_of_its_own() {
        let all = all();
        assert_eq!((COUNT, Controller::at(COUNT)), (71, None));
        let mut ids: HashSet<u32> = KrachParams::default().ids().map(|id| host_id(&id)).collect();
        let others = ids.len();
        for controller in &all {
            assert!(ids.insert(controller.id()), "{controller:?}");
            assert!(controller.id() < 1 << 31, "hosts take ids for signed numbers");
            assert_eq!(Controller::with_id(controller.id()), Some(*controller));
            let numbers = (i16::from(controller.channel), i16::from(controller.number));
            assert_eq!(Controller::of(numbers.0, numbers.1), Some(*controller));
        }
        assert_eq!(ids.len(), others + 71);
    }

    #[test]
    fn what_has_no_parameter_is_refused() {
        for (channel, number) in [(0, 2), (1, 7), (1, 123), (16, 64), (-1, 64), (0, -1), (0, 130), (15, 300)]
        {
            assert_eq!(Controller::of(channel, number), None, "{channel}, {number}");
        }
        for id in [0, FIRST_ID, FIRST_ID + 2, FIRST_ID - 1, FIRST_ID + (16 << 8) + 64, u32::MAX] {
            assert_eq!(Controller::with_id(id), None, "{id:x}");
        }
    }

    #[test]
    fn every_value_that_midi_can_say_arrives_as_it_was_said() {
        for controller in all() {
            if controller.number == BEND {
                for position in 0..16_384_u16 {
                    let message = controller.message(f64::from(position) / BEND_STEPS);
                    let (low, high) = ((position & 127) as u8, (position >> 7) as u8);
                    assert_eq!(message, [0xe0 | controller.channel, low, high]);
                }
                continue;
            }
            for value in 0..128_u8 {
                let expected = match controller.number {
                    PRESSURE => [0xd0 | controller.channel, value, 0],
                    number => [0xb0 | controller.channel, number, value],
                };
                let normalised = controller.normalised(f64::from(value));
                assert_eq!(controller.message(normalised), expected);
                assert_eq!(controller.plain(normalised), f64::from(value));
                // Hosts that count in single precision are a little off.
                assert_eq!(controller.message(f64::from(normalised as f32)), expected);
            }
        }
        let bend = Controller::of(3, 129).expect("it is there");
        assert_eq!(bend.message(bend.default()), [0xe3, 0, 64], "the default is the middle");
        assert_eq!([0.0, 0.5, 1.0].map(|value| bend.plain(value)), [-8192.0, 0.0, 8191.0]);
        assert_eq!(
            [-8192.0, 0.0, 8191.0].map(|plain| bend.plain(bend.normalised(plain))),
            [-8192.0, 0.0, 8191.0]
        );
    }
}
