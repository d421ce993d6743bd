//! How hints rise, fade and give way.

use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{HintRange, Hints};

use crate::hints::Learner;

const SIZE: u32 = 1000;

fn page(number: u32) -> Pgno {
    Pgno::new(number).unwrap()
}

fn range(first: u32, pages: u32, score: u8) -> HintRange {
    HintRange { first: page(first), pages, score }
}

/// What is saved after a wake that used those pages.
fn wake(saved: &Hints, pages_max: usize, used: impl IntoIterator<Item = u32>) -> Option<Hints> {
    let mut learner = Learner::new(saved.clone(), SIZE, pages_max);
    for pgno in used {
        learner.used(page(pgno), false, 0);
    }
    learner.end();
    let unsaved = learner.take_unsaved();
    assert_eq!(learner.take_unsaved(), None, "saved once");
    if let Some(hints) = &unsaved {
        hints.check().unwrap();
        assert!(hints.pages(SIZE).count() <= pages_max);
    }
    unsaved
}

#[test]
fn pages_used_again_rise_and_others_fade() {
    let first = wake(&Hints::default(), 64, [20, 22, 21, 40, 1, 20]).unwrap();
    assert_eq!(first.ranges, [range(20, 3, 2), range(40, 1, 2)], "page 1 comes anyway");
    let second = wake(&first, 64, [20, 40]).unwrap();
    assert_eq!(second.ranges, [range(20, 1, 3), range(21, 2, 1), range(40, 1, 3)]);
    let third = wake(&second, 64, [20, 40]).unwrap();
    assert_eq!(third.ranges, [range(20, 1, 4), range(40, 1, 4)]);
    assert_eq!(wake(&third, 64, [40, 20]), None, "nothing new");
    assert_eq!(wake(&third, 64, []), None, "nobody read anything");
    let mut fading = third;
    for left in [2, 2, 2, 1] {
        fading = wake(&fading, 64, [40]).unwrap_or(fading);
        assert_eq!(fading.pages(SIZE).count(), left);
    }
}

#[test]
fn stale_hints_give_way_to_what_is_used() {
    let stale = Hints { ranges: vec![range(100, 60, 4), range(990, u32::MAX - 990, 4)] };
    let hints = wake(&stale, 64, 2..60).unwrap();
    assert_eq!(hints.ranges[0], range(2, 58, 2));
    assert_eq!(hints.pages(SIZE).count(), 64);
    let shrunk = Hints { ranges: vec![range(SIZE + 1, 60, 4)] };
    assert_eq!(wake(&shrunk, 64, [5]).unwrap().ranges, [range(5, 1, 2)]);
    let all = Hints { ranges: vec![range(2, u32::MAX - 2, u8::MAX)] };
    assert_eq!(wake(&all, 64, [5]).unwrap().pages(SIZE).count(), 64);
    let none = Hints { ranges: vec![range(7, 1, 0)] };
    assert_eq!(wake(&none, 64, [5]).unwrap().ranges, [range(5, 1, 2)]);
}

#[test]
fn long_scans_leave_room_and_interior_pages_stay() {
    let mut learner = Learner::new(Hints::default(), SIZE, 4);
    learner.used(page(10), false, 2);
    learner.used(page(11), false, 3);
    learner.used(page(12), true, 300);
    learner.end();
    let hints = learner.take_unsaved().unwrap();
    assert_eq!(hints.ranges, [range(10, 1, 2), range(12, 1, 3)]);
    let mut learner = Learner::new(Hints::default(), SIZE, 2);
    (20..40).for_each(|pgno| learner.used(page(pgno), pgno > 38, 0));
    learner.end();
    let hints = learner.take_unsaved().unwrap();
    assert_eq!(hints.ranges, [range(20, 1, 2), range(39, 1, 3)]);
}

#[test]
fn no_more_ranges_than_a_store_keeps() {
    let hints = wake(&Hints::default(), 1000, (0..300).map(|i| 2 + 3 * i)).unwrap();
    assert_eq!(hints.ranges.len(), Hints::RANGES_MAX);
    let long = (0..300).map(|i| 2 + 3 * i).chain([900, 901]);
    let hints = wake(&Hints::default(), 1000, long).unwrap();
    assert!(hints.ranges.contains(&range(899, 3, 2)) || hints.ranges.contains(&range(900, 2, 2)));
}

#[test]
fn a_wake_ends_by_itself() {
    let mut learner = Learner::new(Hints::default(), 5000, 5000);
    (2..600).for_each(|pgno| learner.used(page(pgno), false, 0));
    let hints = learner.take_unsaved().unwrap();
    assert_eq!(hints.ranges, [range(2, 512, 2)]);
    for mut learner in [Learner::off(), Learner::new(Hints::default(), SIZE, 0)] {
        learner.used(page(5), true, 0);
        learner.end();
        assert_eq!(learner.take_unsaved(), None);
    }
}
