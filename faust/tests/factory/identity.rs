//! One file, one sound: whatever the effort, the CPU level and the block size, to the bit.

use crate::sounds::{Take, all, source};
use crate::support::{bits, compile, compiler, is_sound};
use krach_faust::{CpuLevel, FaustType, Tier};

#[test]
fn every_sound_is_the_same_for_every_effort_cpu_and_block_size() {
    for name in all() {
        let take = |block| {
            let take = Take::of(name, 48_000.0, 0.2, 0.5);
            let take = if take.inputs.is_empty() {
                take.set(0.21, "gate", 1.0).set(0.3001, "gate", 0.0).set(0.3001, "gate", 1.0)
            } else {
                take.set(0.11, "mix", 0.7)
            };
            Take { block, ..take }
        };
        let levels = CpuLevel::of_host();
        let quick = compile(&compiler(levels[0]), &source(name), Tier::Quick);
        let quick = FaustType::new(quick.object).expect("described");
        let usual = take(512).play(&quick);
        assert!(is_sound(&usual), "{name} is silent or broken");
        for block in [1, 17, 333, 4096] {
            assert!(bits(&take(block).play(&quick)) == bits(&usual), "{name}: quick in blocks of {block}");
        }
        for level in levels {
            let optimised = compile(&compiler(level), &source(name), Tier::Optimised);
            let optimised = FaustType::new(optimised.object).expect("described");
            for block in [1, 512] {
                let heard = take(block).play(&optimised);
                assert!(bits(&heard) == bits(&usual), "{name}: optimised for {level:?} in blocks of {block}");
            }
        }
    }
}
