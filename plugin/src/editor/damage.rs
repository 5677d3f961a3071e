//! What of the window has to be painted anew: where the shapes of this frame differ from those of the last.

use egui::epaint::{ClippedShape, RectShape};
use egui::{Rect, Shape};

/// More places than this are joined: each takes its own pass over the shapes.
const PLACES: usize = 8;
/// Around shapes, in points: their edges are smoothed.
const EDGE: f32 = 1.5;

/// Where two frames differ, in points; `None` if they do not consist of the same kinds of shapes, one by one.
pub fn between(before: &[ClippedShape], now: &[ClippedShape]) -> Option<Vec<Rect>> {
    if before.len() != now.len() {
        return None;
    }
    let mut places = Vec::new();
    for (before, now) in before.iter().zip(now) {
        if before != now {
            add(&mut places, grown(before, now).unwrap_or_else(|| seen(before).union(seen(now))));
        }
    }
    Some(places)
}

/// Where a bar of one colour differs from itself at another length; `None` if it is no such bar.
fn grown(before: &ClippedShape, now: &ClippedShape) -> Option<Rect> {
    let (Shape::Rect(old), Shape::Rect(new)) = (&before.shape, &now.shape) else { return None };
    let same = RectShape { rect: new.rect, ..old.clone() } == *new
        && before.clip_rect == now.clip_rect
        && old.rect.min == new.rect.min
        && old.rect.max.y == new.rect.max.y
        && old.rect.is_positive()
        && new.rect.is_positive();
    // Ends are round, and the rounder the longer the bar is.
    let radius = old.corner_radius.ne.max(old.corner_radius.se).max(old.corner_radius.nw);
    let round = f32::from(radius.max(old.corner_radius.sw)) + EDGE;
    let shorter = old.rect.width().min(new.rect.width());
    (same && shorter > 2.0 * round).then(|| {
        let mut end = seen(before).union(seen(now));
        end.min.x = end.min.x.max(old.rect.max.x.min(new.rect.max.x) - round);
        end
    })
}

/// Where a shape is to be seen.
pub fn seen(shape: &ClippedShape) -> Rect {
    shape.shape.visual_bounding_rect().expand(EDGE).intersect(shape.clip_rect)
}

/// Adds a place; joins two where that costs less than a place of its own.
fn add(places: &mut Vec<Rect>, mut place: Rect) {
    if !place.is_positive() {
        return;
    }
    while let Some(at) = places.iter().position(|other| waste(*other, place) <= 0.0) {
        place = place.union(places.swap_remove(at));
    }
    places.push(place);
    if places.len() > PLACES {
        join_cheapest(places);
    }
}

fn join_cheapest(places: &mut Vec<Rect>) {
    let pairs = (0..places.len()).flat_map(|a| (a + 1..places.len()).map(move |b| (a, b)));
    let cost = |&(a, b): &(usize, usize)| waste(places[a], places[b]);
    let Some((a, b)) = pairs.min_by(|x, y| cost(x).total_cmp(&cost(y))) else { return };
    let other = places.swap_remove(b);
    places[a] = places[a].union(other);
}

/// Area that is painted without need if two places are painted as one.
fn waste(a: Rect, b: Rect) -> f32 {
    a.union(b).area() - a.area() - b.area()
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Color32, CornerRadius, Shape, pos2, vec2};

    fn bar(x: f32, y: f32, width: f32) -> ClippedShape {
        let rect = Rect::from_min_size(pos2(x, y), vec2(width, 6.0));
        ClippedShape::new(
            Rect::from_min_max(pos2(0.0, 0.0), pos2(500.0, 500.0)),
            Shape::rect_filled(rect, CornerRadius::ZERO, Color32::WHITE),
        )
    }

    #[test]
    fn equal_frames_have_no_damage() {
        let frame = [bar(10.0, 10.0, 20.0), bar(10.0, 30.0, 20.0)];
        assert_eq!(between(&frame, &frame), Some(vec![]));
    }

    #[test]
    fn a_shape_that_moved_is_damage_where_it_was_and_where_it_is() {
        let before = [bar(10.0, 10.0, 20.0), bar(10.0, 30.0, 20.0)];
        let now = [bar(10.0, 10.0, 20.0), bar(34.0, 30.0, 20.0)];
        let places = between(&before, &now).unwrap();
        assert_eq!(places.len(), 1);
        assert!(places[0].contains_rect(seen(&before[1])) && places[0].contains_rect(seen(&now[1])));
        assert!(!places[0].intersects(seen(&before[0])));
    }

    #[test]
    fn a_bar_that_grows_is_damage_at_its_end_only() {
        let rounded = |width: f32| {
            let rect = Rect::from_min_size(pos2(10.0, 30.0), vec2(width, 6.0));
            let shape = Shape::rect_filled(rect, CornerRadius::same(3), Color32::WHITE);
            ClippedShape::new(Rect::from_min_max(pos2(0.0, 0.0), pos2(500.0, 500.0)), shape)
        };
        for (from, to) in [(100.0, 130.0), (130.0, 100.0)] {
            let places = between(&[rounded(from)], &[rounded(to)]).unwrap();
            assert_eq!(places.len(), 1);
            // From where the shorter one begins to be round to where the longer one ends.
            assert!(places[0].min.x <= 107.0 && places[0].max.x >= 140.0, "{places:?}");
            assert!(places[0].min.x > 100.0, "{places:?}");
            assert!(places[0].min.y <= 30.0 && places[0].max.y >= 36.0, "{places:?}");
        }
        // All of it is round.
        let places = between(&[rounded(5.0)], &[rounded(130.0)]).unwrap();
        assert!(places[0].contains_rect(seen(&rounded(130.0))));
        // Another colour.
        let mut other = rounded(130.0);
        if let Shape::Rect(rect) = &mut other.shape {
            rect.fill = Color32::RED;
        }
        assert!(between(&[rounded(100.0)], &[other.clone()]).unwrap()[0].contains_rect(seen(&other)));
    }

    #[test]
    fn another_number_of_shapes_is_another_window() {
        assert_eq!(between(&[bar(0.0, 0.0, 5.0)], &[]), None);
    }

    #[test]
    fn many_places_are_joined_and_all_of_them_covered() {
        let before: Vec<ClippedShape> = (0..40_u8).map(|n| bar(10.0, 12.0 * f32::from(n), 20.0)).collect();
        let now: Vec<ClippedShape> = (0..40_u8).map(|n| bar(15.0, 12.0 * f32::from(n), 30.0)).collect();
        let places = between(&before, &now).unwrap();
        assert!(places.len() <= PLACES, "{places:?}");
        let covered = |shape: &ClippedShape| places.iter().any(|place| place.contains_rect(seen(shape)));
        assert!(now.iter().all(covered));
    }

    #[test]
    fn what_is_clipped_away_is_no_damage() {
        let hidden = |width: f32| ClippedShape { clip_rect: Rect::NOTHING, ..bar(10.0, 10.0, width) };
        assert_eq!(between(&[hidden(10.0)], &[hidden(20.0)]), Some(vec![]));
    }
}
