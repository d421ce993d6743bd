//! Tickets.

use std::sync::mpsc;

use actor_sqlite_ltx::PageSize;

use super::Open;
use super::support::{Owner, one};
use crate::Ticket;

const SIZE: PageSize = PageSize::DEFAULT;

pub(super) fn run(open: &Open<'_>) {
    a_ticket_becomes_durable_and_those_before_it_too(open);
    a_callback_comes_once_for_each_ticket(open);
}

fn a_ticket_becomes_durable_and_those_before_it_too(open: &Open<'_>) {
    let store = open();
    store.wait_durable(Ticket::ZERO).expect("it is durable from the start");
    let mut a = Owner::claim(&store, "a", SIZE);
    let mut b = Owner::claim(&store, "b", SIZE);
    assert!(b.ticket > a.ticket, "tickets of one store rise");
    let first = a.commit(&one(SIZE, 1, 1), 1).ticket;
    let second = b.commit(&one(SIZE, 1, 1), 1).ticket;
    assert!(second > first, "tickets of one store rise");
    store.wait_durable(second).expect("a sync");
    assert!(store.durable() >= second);
    store.wait_durable(first).expect("it is durable already");
}

fn a_callback_comes_once_for_each_ticket(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", SIZE);
    let (sender, receiver) = mpsc::channel();
    let mut tickets = Vec::new();
    for version in 1..=5 {
        let ticket = owner.commit(&one(SIZE, 1, version), 1).ticket;
        tickets.push(ticket);
        let sender = sender.clone();
        let told = move |outcome: Result<(), crate::StoreError>| {
            // The receiver is there until all callbacks have come.
            let _ = sender.send((ticket, outcome));
        };
        store.on_durable(ticket, Box::new(told));
    }
    drop(sender);
    store.wait_durable(owner.ticket).expect("a sync");
    let mut told: Vec<Ticket> = receiver
        .iter()
        .map(|(ticket, outcome)| {
            outcome.expect("a durable ticket");
            ticket
        })
        .collect();
    told.sort();
    assert_eq!(told, tickets);
}
