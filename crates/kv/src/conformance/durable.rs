//! Tickets, waiting and callbacks.

use std::sync::mpsc;
use std::thread;

use super::support::{get, increment, must, put};
use super::{Open, THREADS};
use crate::{Kv, KvError, Ticket};

pub(super) fn run(open: &Open<'_>) {
    tickets_rise(&*open());
    durability_covers_all_before(&*open());
    dependents_have_higher_tickets(&*open());
    waiters_all_return(&*open());
    callbacks_come_exactly_once(&*open());
    callbacks_come_without_any_waiter(&*open());
    tickets_never_given_are_refused(&*open());
}

fn tickets_rise(kv: &dyn Kv) {
    assert!(kv.durable() >= Ticket::ZERO);
    must(kv.wait_durable(Ticket::ZERO));
    let mut last = Ticket::ZERO;
    for number in 0..100_u32 {
        let ticket = put(kv, &number.to_be_bytes(), b"v");
        assert!(ticket > last, "{ticket:?} after {last:?}");
        last = ticket;
    }
    assert!(kv.durable() <= last);
    must(kv.wait_durable(last));
    assert!(kv.durable() >= last);
}

fn durability_covers_all_before(kv: &dyn Kv) {
    let tickets: Vec<_> = (0..20_u8).map(|row| put(kv, &[row], b"v")).collect();
    must(kv.wait_durable(tickets[10]));
    assert!(kv.durable() >= tickets[10]);
    for ticket in &tickets[..=10] {
        let (sender, receiver) = mpsc::channel();
        kv.on_durable(*ticket, Box::new(move |outcome| drop(sender.send(outcome))));
        // Called at once, on this thread.
        assert_eq!(receiver.try_recv(), Ok(Ok(())));
    }
}

/// Whoever guards on what another commit wrote comes after it: the count rises with the ticket.
fn dependents_have_higher_tickets(kv: &dyn Kv) {
    let mut counts = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| scope.spawn(|| (0..50).map(|_| increment(kv, b"c")).collect::<Vec<_>>()))
            .collect();
        let mut counts = Vec::new();
        for thread in threads {
            match thread.join() {
                Ok(of_thread) => counts.extend(of_thread),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        counts
    });
    counts.sort_unstable();
    for pair in counts.windows(2) {
        assert!(pair[0].1 < pair[1].1, "{:?} was ordered before {:?}", pair[1], pair[0]);
    }
}

fn waiters_all_return(kv: &dyn Kv) {
    thread::scope(|scope| {
        for thread in 0..THREADS as u8 {
            scope.spawn(move || {
                for round in 0..50_u8 {
                    let ticket = put(kv, &[thread, round], b"v");
                    must(kv.wait_durable(ticket));
                    assert!(kv.durable() >= ticket);
                    assert!(get(kv, &[thread, round]).is_some());
                }
            });
        }
    });
}

fn callbacks_come_exactly_once(kv: &dyn Kv) {
    const EACH: usize = 200;
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let sender = sender.clone();
            scope.spawn(move || {
                for round in 0..EACH {
                    let ticket = put(kv, &[thread as u8, round as u8], b"v");
                    let sender = sender.clone();
                    let name = thread * EACH + round;
                    kv.on_durable(
                        ticket,
                        Box::new(move |outcome| drop(sender.send((name, outcome)))),
                    );
                    if round % 16 == 0 {
                        must(kv.wait_durable(ticket));
                    }
                }
            });
        }
    });
    drop(sender);
    // Ends when the last callback was called or dropped.
    let mut calls: Vec<_> = receiver.iter().collect();
    assert!(calls.iter().all(|(_, outcome)| outcome.is_ok()));
    calls.sort_by_key(|(name, _)| *name);
    let names: Vec<_> = calls.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, (0..THREADS * EACH).collect::<Vec<_>>());
}

fn callbacks_come_without_any_waiter(kv: &dyn Kv) {
    let ticket = put(kv, b"k", b"v");
    let (sender, receiver) = mpsc::channel();
    kv.on_durable(ticket, Box::new(move |outcome| drop(sender.send(outcome))));
    assert_eq!(receiver.recv(), Ok(Ok(())));
    assert!(kv.durable() >= ticket);
}

fn tickets_never_given_are_refused(kv: &dyn Kv) {
    let ticket = put(kv, b"k", b"v");
    let beyond = Ticket(ticket.0 + 1_000_000);
    assert!(matches!(kv.wait_durable(beyond), Err(KvError::Invalid { .. })));
    let (sender, receiver) = mpsc::channel();
    kv.on_durable(beyond, Box::new(move |outcome| drop(sender.send(outcome))));
    assert!(matches!(receiver.recv(), Ok(Err(KvError::Invalid { .. }))));
}
