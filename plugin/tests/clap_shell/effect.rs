//! The effect in both formats: what comes in goes out, and one state is for both plugins.

use super::raw_host::vst3::{Shape, Vst3, wide};
use super::*;

use krach::ports::Kind;
use krach_core::edit::{NodeEdit, NodeSpec};
use krach_core::ir::{NodeIr, Source};
use nice_plug::wrapper::vst3::vst3::Steinberg::Vst::{
    BusDirections_, BusInfo, IAudioProcessorTrait, IComponentTrait, MediaTypes_, SpeakerArr,
};
use nice_plug::wrapper::vst3::vst3::Steinberg::{kInvalidArgument, kResultFalse, kResultOk};

/// A node that gives the input at half its level.
fn taken() -> Vec<u8> {
    let node = NodeIr { name: "in".into(), source: Source::Type("adc_input".into()), ..NodeIr::default() };
    let spec = NodeSpec { node, gain: Some(0.5), ..NodeSpec::default() };
    chunk(vec![Edit::Nodes(vec![NodeEdit::Set(Box::new(spec))])])
}

fn comes_in(frame: usize) -> f32 {
    if frame.is_multiple_of(7) { -0.0 } else { (frame as f32 * 0.37).sin() * 0.9 }
}

fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|x| x.to_bits()).collect()
}

fn fill(block: &mut Block, frame: &mut usize) {
    for at in 0..block.frames as usize {
        (block.input[0][at], block.input[1][at]) = (comes_in(*frame + at), -comes_in(*frame + at));
    }
    *frame += block.frames as usize;
}

#[test]
fn a_clap_effect_lets_its_input_pass_bit_for_bit_and_allocates_nothing() {
    let _turn = alone();
    let host = Host::new();
    let plugin = host.create_kind(Kind::Effect);
    assert!(plugin.init() && plugin.activate(RATE, 512) && plugin.start());
    let (mut block, mut frame) = (Block::new(512), 0);
    COUNT.store(0, Ordering::SeqCst);
    for size in (0..200).map(|n| [512, 1, 17, 333][n % 4]) {
        block.frames = size;
        fill(&mut block, &mut frame);
        WATCH.set(true);
        let status = block.render(&plugin, true);
        WATCH.set(false);
        assert_eq!(status, CLAP_PROCESS_CONTINUE);
        let size = size as usize;
        for side in 0..2 {
            assert_eq!(bits(&block.output[side][..size]), bits(&block.input[side][..size]));
        }
        assert!(block.output[2..].iter().all(|side| side[..size].iter().all(|x| *x == 0.0)));
    }
    assert_eq!(COUNT.load(Ordering::SeqCst), 0);
    assert_eq!(block.render(&plugin, false), CLAP_PROCESS_CONTINUE, "a host that gives no ports");
    plugin.destroy();
}

#[test]
fn a_state_of_the_instrument_plays_in_the_effect_and_comes_back_as_it_was() {
    let _turn = alone();
    let host = Host::new();
    for chunk in [sine(), taken(), gated_input()] {
        let (instrument, effect) = (host.instance(), host.create_kind(Kind::Effect));
        assert!(effect.init() && instrument.load(&chunk) && effect.load(&chunk));
        let saved = instrument.save().unwrap();
        assert_eq!(effect.save().unwrap(), saved);
        assert!(instrument.load(&effect.save().unwrap()) && instrument.save().unwrap() == saved);
        instrument.destroy();
        effect.destroy();
    }
    // A node that takes the input needs no setting in the effect.
    let effect = host.create_kind(Kind::Effect);
    assert!(effect.init() && effect.load(&taken()) && effect.activate(RATE, 512) && effect.start());
    let (mut block, mut frame) = (Block::new(512), 0);
    for _ in 0..4 {
        fill(&mut block, &mut frame);
        assert_eq!(block.render(&effect, true), CLAP_PROCESS_CONTINUE);
        let halves: Vec<f32> = block.input[0].iter().map(|x| 0.5 * x).collect();
        assert_eq!(block.output[0], halves);
    }
    effect.destroy();
}

#[test]
fn a_vst3_effect_has_a_stereo_input_and_lets_it_pass_in_one_memory() {
    let _turn = alone();
    let mut plugin = Vst3::of(Kind::Effect);
    let (audio, into, out) =
        (MediaTypes_::kAudio as i32, BusDirections_::kInput as i32, BusDirections_::kOutput as i32);
    // SAFETY: VST3's calls, with room for what they tell.
    unsafe {
        assert_eq!(plugin.component.getBusCount(audio, into), 1);
        assert_eq!(plugin.component.getBusCount(audio, out), 1);
        let mut info: BusInfo = std::mem::zeroed();
        assert_eq!(plugin.component.getBusInfo(audio, into, 0, &mut info), kResultOk);
        assert_eq!(
            (info.channelCount, info.busType, info.flags, wide(&info.name).as_str()),
            (2, 0, 1, "Input")
        );
        assert_eq!(plugin.component.getBusInfo(audio, into, 1, &mut info), kInvalidArgument);
        assert_eq!(plugin.component.activateBus(audio, into, 0, 1), kResultOk);
        let mut arrangement = 0;
        assert_eq!(plugin.processor.getBusArrangement(into, 0, &mut arrangement), kResultOk);
        assert_eq!(arrangement, SpeakerArr::kStereo);
        let (mut stereo, mut mono) = (SpeakerArr::kStereo, SpeakerArr::kMono);
        let arrange = |input: *mut u64, count| {
            plugin.processor.setBusArrangements(input, count, &mut { SpeakerArr::kStereo }, 1)
        };
        assert_eq!(arrange(&mut stereo, 1), kResultOk);
        assert_eq!(arrange(&mut mono, 1), kResultFalse);
        assert_eq!(arrange(std::ptr::null_mut(), 0), kResultFalse);
    }
    let instrument = Vst3::new();
    // SAFETY: VST3's call.
    assert_eq!(unsafe { instrument.component.getBusCount(audio, into) }, 0);
    assert_eq!(instrument.infos().len(), plugin.infos().len(), "the same parameters");
    assert!(plugin.set_up(RATE, 512) && plugin.active(true));
    plugin.processing(true);
    let mut frame = 0;
    for size in [512, 1, 17, 333] {
        let input: Vec<f32> = (frame..frame + size).map(comes_in).collect();
        frame += size;
        plugin.input = Some([input.clone(), input.iter().map(|x| -x).collect()]);
        let sound = plugin.render(size, &[], Shape::Whole).expect("a block");
        assert_eq!(bits(&sound[0]), bits(&input));
        assert!(sound[1].iter().zip(&input).all(|(x, y)| *x == -y));
    }
    // The CLAP's state is one of this plugin, too.
    assert!(plugin.load(&taken()));
    for _ in 0..8 {
        plugin.input = Some([vec![0.5; 512], vec![0.25; 512]]);
        plugin.render(512, &[], Shape::Whole).expect("a block");
    }
    plugin.input = Some([vec![0.5; 512], vec![0.25; 512]]);
    let sound = plugin.render(512, &[], Shape::Whole).expect("a block");
    assert_eq!(sound, [vec![0.25; 512], vec![0.125; 512]]);
}
