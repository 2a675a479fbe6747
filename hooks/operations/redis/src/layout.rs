//! Which slots move from which master to which, so that each master that stays has as many as the others, give or take one.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use midships_client_redis::{NodeId, SLOTS, Slot, Slots};

/// Slots that move from one master to another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Move {
    /// The master that has them.
    pub from: NodeId,
    /// The master that gets them.
    pub to: NodeId,
    /// The slots.
    pub slots: Slots,
}

/// A master that gives slots or takes some, and how many.
struct Share<'a> {
    id: &'a NodeId,
    slots: u16,
}

/// The moves after which the masters that stay have all the slots that anybody has, evenly, and nobody else has any.
///
/// As few slots move as possible, straight to where they remain. `staying` are in the order of their shards, and who
/// comes first in it has the one slot more where it does not come out even and nothing else decides. The same owners give
/// the same moves, and so do those of a time when only some moves have been made, as far as it can be known then.
///
/// Slots that nobody has are nobody's here either: a cluster is made or mended first.
#[must_use]
pub fn moves(owners: &BTreeMap<NodeId, Slots>, staying: &[NodeId]) -> Vec<Move> {
    let has = |id: &NodeId| owners.get(id).map_or(0, Slots::len);
    let all: u16 = owners
        .values()
        .map(Slots::len)
        .fold(0, u16::saturating_add)
        .min(SLOTS);
    let Some(shares) = u16::try_from(staying.len())
        .ok()
        .filter(|shares| *shares > 0)
    else {
        return Vec::new();
    };
    let (each, over) = (all / shares, usize::from(all % shares));
    // The one slot more goes to those who have most already, so that it need not move.
    let mut by_slots: Vec<&NodeId> = staying.iter().collect();
    by_slots.sort_by_key(|id| Reverse(has(id)));
    let wanted: BTreeMap<&NodeId, u16> = by_slots
        .into_iter()
        .enumerate()
        .map(|(place, id)| (id, each + u16::from(place < over)))
        .collect();
    let wants = |id: &NodeId| wanted.get(id).copied().unwrap_or(0);
    let mut takers: Vec<Share<'_>> = staying
        .iter()
        .filter_map(|id| {
            let slots = wants(id).checked_sub(has(id)).filter(|slots| *slots > 0)?;
            Some(Share { id, slots })
        })
        .collect();
    // Who lacks most is filled first, by who has most to give: that makes the fewest pairs.
    takers.sort_by_key(|taker| Reverse(taker.slots));
    let mut givers: Vec<(Share<'_>, Slots)> = owners
        .iter()
        .filter_map(|(id, slots)| {
            let spare = has(id).checked_sub(wants(id)).filter(|slots| *slots > 0)?;
            Some((Share { id, slots: spare }, slots.clone()))
        })
        .collect();
    givers.sort_by_key(|(giver, _)| Reverse(giver.slots));
    let mut moves = Vec::new();
    for (giver, mut left) in givers {
        let mut spare = giver.slots;
        for taker in takers.iter_mut().filter(|taker| taker.slots > 0) {
            let number = spare.min(taker.slots);
            if number == 0 {
                break;
            }
            let slots = last(&left, number);
            left = left.without(&slots);
            moves.push(Move {
                from: giver.id.clone(),
                to: taker.id.clone(),
                slots,
            });
            spare -= number;
            taker.slots -= number;
        }
    }
    moves
}

/// The owners after some moves.
#[must_use]
pub fn after(owners: &BTreeMap<NodeId, Slots>, moves: &[Move]) -> BTreeMap<NodeId, Slots> {
    let mut after = owners.clone();
    for one in moves {
        if let Some(giver) = after.get_mut(&one.from) {
            *giver = giver.without(&one.slots);
        }
        let taker = after.entry(one.to.clone()).or_default();
        *taker = taker.or(&one.slots);
    }
    after
}

/// The slots of each of so many shards of a cluster that is new: ranges of the same length, the first ones with one more.
#[must_use]
pub fn fresh(shards: usize) -> Vec<Slots> {
    let all: Vec<Slot> = Slots::all().iter().collect();
    let (each, over) = match shards {
        0 => return Vec::new(),
        shards => (all.len() / shards, all.len() % shards),
    };
    let mut left = all.as_slice();
    let mut ranges = Vec::new();
    for shard in 0..shards {
        let (slots, rest) = left.split_at(each + usize::from(shard < over));
        ranges.push(slots.iter().copied().collect());
        left = rest;
    }
    ranges
}

/// The highest slots of a set: they are taken from its end, so that what is left stays in few ranges.
fn last(slots: &Slots, number: u16) -> Slots {
    let skipped = usize::from(slots.len().saturating_sub(number));
    slots.iter().skip(skipped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> NodeId {
        format!("{number:040x}").parse().unwrap()
    }

    fn ids(numbers: std::ops::Range<usize>) -> Vec<NodeId> {
        numbers.map(id).collect()
    }

    /// The first cluster of so many masters.
    fn first(masters: usize) -> BTreeMap<NodeId, Slots> {
        ids(0..masters).into_iter().zip(fresh(masters)).collect()
    }

    /// The owners after some moves, which must be of slots that the giver has.
    fn after(owners: &BTreeMap<NodeId, Slots>, moves: &[Move]) -> BTreeMap<NodeId, Slots> {
        let mut owners = owners.clone();
        for one in moves {
            let given = owners[&one.from].and(&one.slots);
            assert_eq!(given, one.slots, "slots that the giver has");
            owners = super::after(&owners, std::slice::from_ref(one));
        }
        owners.retain(|_, slots| !slots.is_empty());
        owners
    }

    fn moved(moves: &[Move]) -> u16 {
        moves.iter().map(|one| one.slots.len()).sum()
    }

    fn even(owners: &BTreeMap<NodeId, Slots>, staying: &[NodeId]) {
        let each = SLOTS / u16::try_from(staying.len()).unwrap();
        assert_eq!(
            owners.keys().collect::<Vec<_>>(),
            staying.iter().collect::<Vec<_>>()
        );
        for (id, slots) in owners {
            assert!(
                slots.len() == each || slots.len() == each + 1,
                "{id} has {}",
                slots.len()
            );
        }
        assert_eq!(
            owners
                .values()
                .fold(Slots::default(), |all, slots| all.or(slots)),
            Slots::all()
        );
    }

    #[test]
    fn shards_come_and_go_with_as_few_slots_moved_as_can_be() {
        for before in 1..9 {
            for shards in 1..9 {
                let (owners, staying) = (first(before), ids(0..shards));
                let moves = moves(&owners, &staying);
                even(&after(&owners, &moves), &staying);
                // Whoever stays keeps all that it may have; whoever comes or goes has all of its own moved.
                let few = SLOTS / u16::try_from(before.max(shards)).unwrap();
                let changed = u16::try_from(before.abs_diff(shards)).unwrap();
                assert!(
                    moved(&moves) <= (few + 1) * changed,
                    "{before} to {shards}: {}",
                    moved(&moves)
                );
                assert!(
                    moves
                        .iter()
                        .all(|one| !one.slots.is_empty() && one.from != one.to)
                );
            }
        }
    }

    #[test]
    fn what_is_even_stays_as_it_is() {
        let owners = first(5);
        assert_eq!(moves(&owners, &ids(0..5)), []);
        // Another one of them has the slot more: that is no reason to move any.
        let swapped: Vec<NodeId> = ids(0..5).into_iter().rev().collect();
        assert_eq!(moves(&owners, &swapped), []);
    }

    #[test]
    fn half_of_the_moves_made_the_rest_is_what_is_left() {
        let (owners, staying) = (first(3), ids(0..5));
        let all = moves(&owners, &staying);
        for made in 0..all.len() {
            let (done, left) = all.split_at(made);
            let middle = after(&owners, done);
            assert_eq!(moved(&moves(&middle, &staying)), moved(left));
            even(&after(&middle, &moves(&middle, &staying)), &staying);
        }
    }

    #[test]
    fn a_new_cluster_has_ranges_of_one_length() {
        let told = |shards| {
            fresh(shards)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(told(3), ["0-5461", "5462-10922", "10923-16383"]);
        assert_eq!(told(1), ["0-16383"]);
        assert!(told(0).is_empty());
    }

    #[test]
    fn nobody_who_stays_means_that_nothing_moves() {
        assert_eq!(moves(&first(3), &[]), []);
        assert_eq!(moves(&BTreeMap::new(), &ids(0..3)), []);
    }
}
