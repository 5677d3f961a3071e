//! Scenes are ready in so much memory, by last use; the others are marked beforehand, begin late and whole, and what they
//! would take is for the rest.

use super::support::{Rig, probes, set};
use super::{add, names, recall, recalled, remove, render, save, scene_at};
use krach_core::edit::NodeEdit;
use krach_core::engine::*;
use krach_core::node::*;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};

const MEGABYTE: usize = 1 << 20;

/// Instances that there are, and whether none can be made.
#[derive(Default)]
struct Shop {
    instances: AtomicIsize,
    is_shut: AtomicBool,
}

impl Shop {
    fn instances(&self) -> isize {
        self.instances.load(Ordering::SeqCst)
    }
}

/// A constant that says that it holds so many megabytes, of which there are so many ahead of use.
struct HeavyType {
    decl: NodeDecl,
    megabytes: usize,
    room: usize,
    shop: Arc<Shop>,
}

struct Heavy(Arc<Shop>);

impl NodeType for HeavyType {
    fn decl(&self) -> &NodeDecl {
        &self.decl
    }
    fn code_key(&self) -> u64 {
        0x4ea5 + self.megabytes as u64
    }
    fn memory(&self) -> usize {
        self.megabytes * MEGABYTE
    }
    fn room_ahead(&self) -> usize {
        self.room
    }
    fn create(&self, _: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        if self.shop.is_shut.load(Ordering::SeqCst) {
            return Err(CreateError("the shop is shut".into()));
        }
        self.shop.instances.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Heavy(Arc::clone(&self.shop))))
    }
}

impl Drop for Heavy {
    fn drop(&mut self) {
        self.0.instances.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Node for Heavy {
    fn reset(&mut self) {}
    fn set(&mut self, _: usize, _: Change) {}
    fn render(&mut self, _: &Transport, _: usize, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        outputs[0].fill(0.5);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// A rig that knows a type of that name for each: its megabytes and its room.
fn rig_with(types: &[(&str, usize, usize)]) -> (Rig, Vec<Arc<Shop>>) {
    let mut registry = probes::registry();
    let mut shops = Vec::new();
    for &(name, megabytes, room) in types {
        let shop = Arc::new(Shop::default());
        let decl = NodeDecl {
            type_id: name.into(),
            inputs: Vec::new(),
            outputs: vec![Port::mono("out")],
            controls: Vec::new(),
            settings: Vec::new(),
            role: Role::Process,
        };
        registry.add(Arc::new(HeavyType { decl, megabytes, room, shop: Arc::clone(&shop) }));
        shops.push(shop);
    }
    (Rig::with(registry), shops)
}

/// The session becomes these nodes, and a scene.
fn scene_of(rig: &mut Rig, number: u8, nodes: &[(&str, &str)]) {
    let gone: Vec<NodeEdit> = names(rig).iter().map(|name| remove(name)).collect();
    let come = nodes.iter().map(|(name, ty)| add(name, ty, 0.5));
    rig.edit(Edit::Nodes(gone.into_iter().chain(come).collect()));
    rig.edit(save(number, &format!("scene {number}")));
    rig.settle();
}

/// All that is on its way has come, and what is not needed has gone.
fn settle(rig: &mut Rig) {
    for _ in 0..4 {
        rig.settle();
        rig.block(64);
    }
}

fn ready(rig: &Rig) -> Vec<u8> {
    let numbers = rig.engine.session().scenes.iter().map(|(number, _)| number);
    numbers.filter(|number| rig.engine.scene_is_ready(*number)).collect()
}

/// The host asks for a scene; was it late?
fn host_recalls(rig: &mut Rig, number: u8) -> bool {
    rig.notices.clear();
    scene_at(rig, 3, number);
    rig.block(64);
    settle(rig);
    let [(is, late)] = recalled(rig)[..] else { panic!("{:?}", rig.notices) };
    assert_eq!((is, rig.engine.session().scene_is_changed()), (number, false));
    late
}

#[test]
fn scenes_are_ready_by_last_use_as_far_as_their_memory_goes_and_the_others_begin_late_and_whole() {
    let (mut rig, shops) = rig_with(&[("heavy", 60, usize::MAX), ("huge", 600, usize::MAX)]);
    for number in 1..=10_u8 {
        let (heavy, light) = (format!("h{number}"), format!("l{number}"));
        scene_of(&mut rig, number, &[(&heavy, "heavy"), (&light, "dc")]);
    }
    settle(&mut rig);
    // Eight times 60 fit into 512; what plays is made already.
    assert_eq!(ready(&rig), [1, 2, 3, 4, 5, 6, 7, 8, 10]);
    assert_eq!(shops[0].instances(), 9, "of a scene that is not ready there is nothing");
    let taken = rig.engine.scene_memory();
    assert!((480 * MEGABYTE..512 * MEGABYTE).contains(&taken), "{taken}");
    assert!(host_recalls(&mut rig, 9), "it was not ready");
    assert_eq!(names(&rig), ["h9", "l9"]);
    assert_eq!(rig.render(48_000, &[480])[0][47_999], 0.75, "and sounds whole");
    // Of those that were never recalled the first go first.
    assert_eq!(ready(&rig), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert!(!host_recalls(&mut rig, 3));
    assert_eq!(ready(&rig), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert!(host_recalls(&mut rig, 10));
    assert_eq!(ready(&rig), [1, 2, 3, 4, 5, 6, 7, 9, 10], "3 and 9 were used last");
    assert_eq!(shops[0].instances(), 9);
    // What is too large by itself keeps none from being ready, though it was used last.
    scene_of(&mut rig, 11, &[("x", "huge")]);
    assert!(!host_recalls(&mut rig, 1));
    assert_eq!(ready(&rig), [1, 2, 3, 4, 5, 6, 7, 9, 10]);
    assert!(host_recalls(&mut rig, 11));
    assert_eq!(ready(&rig), [1, 2, 3, 4, 5, 6, 9, 10, 11]);
    assert_eq!(shops[1].instances(), 1);
    assert!(!host_recalls(&mut rig, 1));
    // Less memory, and more.
    rig.engine.limit_scenes(100 * MEGABYTE);
    settle(&mut rig);
    assert_eq!(ready(&rig), [1, 10]);
    assert_eq!((shops[0].instances(), shops[1].instances()), (2, 0), "the rest was freed");
    rig.engine.limit_scenes(2_000 * MEGABYTE);
    settle(&mut rig);
    assert_eq!(ready(&rig).len(), 11);
}

#[test]
fn a_node_of_many_scenes_takes_its_memory_once_and_its_voices_each() {
    let (mut rig, shops) = rig_with(&[("heavy", 30, usize::MAX)]);
    for number in 1..=20_u8 {
        let own = format!("own{number}");
        scene_of(&mut rig, number, &[("shared", "heavy"), (&own, "dc")]);
    }
    scene_of(&mut rig, 21, &[("other", "dc")]);
    settle(&mut rig);
    assert_eq!(ready(&rig).len(), 21);
    assert_eq!(shops[0].instances(), 1);
    // Sixteen voices of 30 MB fit, eighteen do not.
    for (number, count) in [(22, 18), (23, 16)] {
        scene_of(&mut rig, number, &[("many", "dc")]);
        rig.edit(Edit::Nodes(vec![NodeEdit::Set(Box::new(krach_core::edit::NodeSpec {
            node: krach_core::ir::NodeIr {
                name: "many".into(),
                source: krach_core::ir::Source::Type("heavy".into()),
                count,
                ..Default::default()
            },
            ..Default::default()
        }))]));
        rig.edit(save(number, &format!("scene {number}")));
        rig.settle();
    }
    scene_of(&mut rig, 24, &[("last", "dc")]);
    settle(&mut rig);
    assert!(!rig.engine.scene_is_ready(22) && rig.engine.scene_is_ready(23));
    assert_eq!(shops[0].instances(), 17);
}

#[test]
fn a_scene_that_cannot_be_made_ahead_holds_nothing_and_is_ready_once_it_can() {
    let (mut rig, shops) = rig_with(&[("heavy", 1, usize::MAX), ("picky", 1, usize::MAX)]);
    scene_of(&mut rig, 1, &[("a", "heavy"), ("b", "heavy"), ("c", "picky"), ("d", "heavy")]);
    shops[1].is_shut.store(true, Ordering::SeqCst);
    scene_of(&mut rig, 2, &[("e", "dc")]);
    settle(&mut rig);
    assert_eq!(ready(&rig), [2]);
    assert_eq!((shops[0].instances(), shops[1].instances()), (0, 0));
    // It cannot be recalled either: what plays goes on, and it is told.
    rig.notices.clear();
    scene_at(&mut rig, 3, 1);
    rig.block(64);
    settle(&mut rig);
    let told = rig.notices.iter().any(|notice| notice.to_string().contains("the shop is shut"));
    assert!(told, "{:?}", rig.notices);
    assert_eq!(rig.render(4_800, &[480])[0][4_799], 0.5, "what played plays on");
    shops[1].is_shut.store(false, Ordering::SeqCst);
    rig.edit(Edit::Nodes(vec![add("f", "dc", 0.0)]));
    settle(&mut rig);
    assert_eq!(ready(&rig), [1, 2]);
    assert_eq!((shops[0].instances(), shops[1].instances()), (3, 1));
}

#[test]
fn what_plays_keeps_a_part_of_memory_that_types_have_in_common() {
    let (mut rig, shops) = rig_with(&[("heavy", 60, 100 * MEGABYTE)]);
    scene_of(&mut rig, 1, &[("a", "heavy")]);
    scene_of(&mut rig, 2, &[("b", "heavy"), ("c", "heavy")]);
    scene_of(&mut rig, 3, &[("d", "dc")]);
    settle(&mut rig);
    assert_eq!(ready(&rig), [1, 3]);
    assert_eq!(shops[0].instances(), 1);
    assert!(host_recalls(&mut rig, 2), "what plays may have more");
    assert_eq!(names(&rig), ["b", "c"]);
}

#[test]
fn a_hundred_scenes_of_sixteen_nodes_are_ready_and_switch_on_their_samples() {
    let mut rig = Rig::with(probes::registry());
    for number in 1..=100_u8 {
        let own = |at: usize| format!("n{}", (usize::from(number) * 5 + at) % 200);
        let nodes: Vec<String> = (0..16).map(own).collect();
        let gone: Vec<NodeEdit> = names(&rig).iter().map(|name| remove(name)).collect();
        let come = nodes.iter().map(|name| add(name, "oscillator", 0.05));
        let edit = Edit::Nodes(gone.into_iter().chain(come).collect());
        // Nothing is prepared until all are there: that alone takes long.
        rig.engine.edit(edit, At::AtOnce).expect("it is right");
        rig.engine.edit(set(&format!("{}/freq", nodes[0]), 100.0 + f64::from(number)), At::AtOnce).unwrap();
        rig.engine.edit(save(number, &format!("scene {number}")), At::AtOnce).expect("it is right");
    }
    settle(&mut rig);
    assert_eq!(ready(&rig).len(), 100);
    let taken = rig.engine.scene_memory();
    println!("100 scenes of 16 nodes: {} kB", taken >> 10);
    assert!(taken < 512 * MEGABYTE);
    let recalls: Vec<(i64, u8)> = (0..8).map(|n| (600 * n + 17, 1 + (n * 37 % 100) as u8)).collect();
    rig.notices.clear();
    render(&mut rig, 600 * 8, &[240], &recalls);
    let expected: Vec<(u8, bool)> = recalls.iter().map(|(_, number)| (*number, false)).collect();
    assert_eq!(recalled(&rig), expected);
    rig.edit(recall(50));
    settle(&mut rig);
    assert_eq!(rig.engine.session().values.get("n50/freq"), Some(&150.0));
}
