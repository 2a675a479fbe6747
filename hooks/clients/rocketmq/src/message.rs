//! Messages as brokers keep and send them: a fixed row of numbers, then body, topic and properties with their lengths.

use crate::answer::Message;

/// What tells a message whose topic has one byte for its length, as all have up to 4.x.
const SHORT_TOPIC: [u8; 4] = 0xdaa3_20a7_u32.to_be_bytes();
/// What tells a message whose topic has two bytes for its length.
const LONG_TOPIC: [u8; 4] = 0xdaa3_20ab_u32.to_be_bytes();
/// Of the flags: the address of the sender is one of IPv6.
const SENDER_V6: u32 = 1 << 4;
/// Of the flags: the address of the broker is one of IPv6.
const BROKER_V6: u32 = 1 << 5;
/// Bytes of an address with its port.
const ADDRESS: usize = 8;
/// Bytes of an address of IPv6 with its port.
const ADDRESS_V6: usize = 20;

/// Reads messages that follow each other; nothing when they are not that.
pub(crate) fn read(mut bytes: &[u8]) -> Option<Vec<Message>> {
    let mut messages = Vec::new();
    while let Some(length) = bytes.first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (message, rest) = bytes.split_at_checked(length)?;
        messages.push(read_one(message)?);
        bytes = rest;
    }
    bytes.is_empty().then_some(messages)
}

fn read_one(bytes: &[u8]) -> Option<Message> {
    let mut rest = bytes.get(4..)?;
    let kind: [u8; 4] = take(&mut rest)?;
    // The checksum of the body, the queue's number and the sender's flags.
    let _: [u8; 12] = take(&mut rest)?;
    let offset = u64::from_be_bytes(take(&mut rest)?);
    // The place in the broker's log.
    let _: [u8; 8] = take(&mut rest)?;
    let flags = u32::from_be_bytes(take(&mut rest)?);
    let address = |flag: u32| {
        if flags & flag == 0 {
            ADDRESS
        } else {
            ADDRESS_V6
        }
    };
    // Two moments, each with an address; how often it was consumed in vain, and the place of a prepared transaction.
    let row = 8 + address(SENDER_V6) + 8 + address(BROKER_V6) + 4 + 8;
    rest = rest.get(row..)?;
    let body = take_long(&mut rest)?.to_vec();
    let topic = match kind {
        SHORT_TOPIC => usize::from(u8::from_be_bytes(take(&mut rest)?)),
        LONG_TOPIC => usize::from(u16::from_be_bytes(take(&mut rest)?)),
        _ => return None,
    };
    rest = rest.get(topic..)?;
    let properties = usize::from(u16::from_be_bytes(take(&mut rest)?));
    rest.get(properties..)?
        .is_empty()
        .then_some(Message { offset, body })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*head)
}

/// Takes a length of four bytes and as many bytes as it says.
fn take_long<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::from_be_bytes(take(bytes)?)).ok()?;
    let (head, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(head)
}

/// Writes messages as a broker does, with zeros for what [`read`] does not tell: for brokers that are simulated.
pub(crate) fn write(messages: &[Message]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        let mut one = SHORT_TOPIC.to_vec();
        one.extend([0; 12]);
        one.extend(message.offset.to_be_bytes());
        one.extend([0; 8 + 4 + 8 + ADDRESS + 8 + ADDRESS + 4 + 8]);
        // A frame of 4 GiB cannot be sent at all.
        one.extend(
            u32::try_from(message.body.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
        one.extend(&message.body);
        // No topic and no properties.
        one.extend([0; 3]);
        let length = u32::try_from(one.len() + 4).unwrap_or(u32::MAX);
        bytes.extend(length.to_be_bytes());
        bytes.extend(one);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Vec<Message> {
        let message = |offset, body: &[u8]| Message {
            offset,
            body: body.to_vec(),
        };
        vec![message(0, b"first"), message(u64::MAX, b"")]
    }

    #[test]
    fn messages_come_back_as_they_were() {
        assert_eq!(read(&write(&messages())), Some(messages()));
        assert_eq!(read(&[]), Some(Vec::new()));
    }

    #[test]
    fn whatever_is_cut_off_or_of_another_kind_is_no_message() {
        let bytes = write(&messages());
        let first = usize::try_from(u32::from_be_bytes(*bytes.first_chunk().unwrap())).unwrap();
        for end in (1..bytes.len()).filter(|end| *end != first) {
            assert_eq!(read(&bytes[..end]), None, "{end} bytes");
        }
        let mut other = bytes;
        other[4] ^= 1;
        assert_eq!(read(&other), None);
    }

    #[test]
    fn addresses_of_ipv6_and_long_topics_are_read() {
        let mut bytes = write(&messages()[..1]);
        bytes[4..8].copy_from_slice(&LONG_TOPIC);
        bytes[39] = 0x30;
        let addresses = 40;
        bytes.splice(addresses..addresses, [0; 2 * (ADDRESS_V6 - ADDRESS)]);
        bytes.push(0);
        let length = u32::try_from(bytes.len()).unwrap();
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        assert_eq!(read(&bytes), Some(messages()[..1].to_vec()));
    }
}
