//! A million mutated frames and bodies: whatever bytes arrive, the client gives a value or an error, in bounded time.
//!
//! The corpus are the recordings. The generator is seeded, so every run reads the same bytes; an input that fails is
//! printed and can be kept as a recording or a test of its own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests are tests"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use midships_client_rocketmq::request::requested;
use midships_client_rocketmq::{Frame, Recording, Request, decode, fastjson, properties};

const MUTATIONS: u64 = 1_000_000;
const SEED: u64 = 0x6d69_6473_6869_7073;
/// Longest input: larger corpus entries are cut, so that a run takes seconds.
const LONGEST: usize = 3072;
/// Longest time for one input; on a loaded machine one takes some milliseconds at most.
const SLOWEST: Duration = Duration::from_secs(5);

/// Marsaglia's xorshift64.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    fn choose<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

struct Seed {
    request: Request,
    bytes: Vec<u8>,
}

fn corpus() -> Vec<Seed> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .flat_map(|path| std::fs::read_dir(path).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut corpus = Vec::new();
    for path in paths {
        let recording: Recording = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut frame = Frame::from_bytes(&recording.received.to_bytes().unwrap()).unwrap();
        let room = LONGEST - 1024;
        if frame.body.len() > room {
            frame.body.truncate(room);
        }
        let request = recording.request;
        for bytes in [
            frame.to_bytes().unwrap(),
            frame.to_bytes_binary().unwrap(),
            recording.sent.to_bytes().unwrap(),
        ] {
            corpus.push(Seed {
                request: request.clone(),
                bytes,
            });
        }
    }
    corpus
}

/// Pieces that mean something to the readers.
const PIECES: [&[u8]; 24] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"{{",
    b"}:{",
    b"\"",
    b"'",
    b"\\",
    b"\\u",
    b"\\ud83d",
    b"\\x",
    b":",
    b",",
    b"0:",
    b"-",
    b"9223372036854775808",
    b"1e999",
    b"null",
    b"true",
    b"=",
    b"\n",
    b"\xff",
    b"\0\0\0\0",
];

fn mutate(generator: &mut Generator, bytes: &mut Vec<u8>, other: &[u8]) {
    let place = generator.below(bytes.len());
    match generator.below(10) {
        0 if !bytes.is_empty() => bytes[place] ^= 1 << generator.below(8),
        1 if !bytes.is_empty() => bytes[place] = generator.next().to_le_bytes()[0],
        2 => bytes.truncate(place),
        3 => {
            let end = (place + generator.below(64)).min(bytes.len());
            bytes.drain(place..end);
        }
        4 => {
            let start = generator.below(other.len());
            let end = (start + generator.below(512)).min(other.len());
            bytes.splice(place..place, other[start..end].iter().copied());
        }
        5 => {
            let start = generator.below(bytes.len());
            let end = (start + generator.below(128)).min(bytes.len());
            let copy = bytes[start..end].to_vec();
            bytes.splice(place..place, copy);
        }
        6 => {
            let piece = *generator.choose(&PIECES);
            bytes.splice(place..place, piece.iter().copied());
        }
        7 => {
            let piece = *generator.choose(&PIECES[..6]);
            let times = generator.below(200);
            bytes.splice(place..place, piece.repeat(times));
        }
        // A length, somewhere or where one stands.
        8 if bytes.len() >= 8 => {
            let place = *generator.choose(&[0, 4, place.min(bytes.len() - 4)]);
            let length = [
                0,
                1,
                0x7fff_ffff,
                0x8000_0000,
                0xffff_ffff,
                0x00ff_ffff,
                0x0100_0000,
            ];
            let length: u32 = *generator.choose(&length);
            bytes[place..place + 4].copy_from_slice(&length.to_be_bytes());
        }
        _ if bytes.len() >= 8 => {
            let place = generator.below(bytes.len() - 4);
            bytes[place + generator.below(4)] ^= generator.next().to_le_bytes()[0];
        }
        _ => bytes.extend(other.iter().take(64)),
    }
    bytes.truncate(LONGEST);
}

/// Makes the first length true again, so that the rest of the frame is read as well.
fn mend(bytes: &mut [u8]) {
    if let Some((length, rest)) = bytes.split_first_chunk_mut::<4>() {
        *length = u32::try_from(rest.len()).unwrap().to_be_bytes();
    }
}

/// Reads the bytes in every way there is; returns whether they were a frame, and an answer.
fn read(request: &Request, bytes: &[u8]) -> (bool, bool) {
    let body = bytes.get(bytes.len().min(100)..).unwrap_or_default();
    if let Ok(value) = fastjson::parse(body) {
        assert_eq!(fastjson::parse(value.to_fastjson().as_bytes()), Ok(value));
    }
    if let Ok(properties) = properties::from_java(body) {
        let written = properties::to_java(&properties);
        assert_eq!(properties::from_java(written.as_bytes()), Ok(properties));
    }
    let Ok(frame) = Frame::from_bytes(bytes) else {
        return (false, false);
    };
    if let Ok(written) = frame.to_bytes() {
        assert_eq!(Frame::from_bytes(&written), Ok(frame.clone()));
    }
    let known = requested(&frame).is_ok();
    let mut answer = frame;
    let read = decode(request, &answer).is_ok();
    // As if it were a good answer, so that the body is read in any case.
    answer.flag = 1;
    answer.code = 0;
    let read_anyway = decode(request, &answer).is_ok();
    (true, known || read || read_anyway)
}

#[test]
fn a_million_mutations_give_a_value_or_an_error() {
    let corpus = corpus();
    assert!(corpus.len() > 150, "{}", corpus.len());
    let threads = 2;
    let counts: Vec<[u64; 3]> = std::thread::scope(|scope| {
        let corpus = &corpus;
        let work: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || run(corpus, thread, threads)))
            .collect();
        work.into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let sum = |index: usize| counts.iter().map(|count| count[index]).sum::<u64>();
    let [all, frames, answers] = [sum(0), sum(1), sum(2)];
    println!(
        "{all} mutated inputs: {frames} were still frames, {answers} still answers or requests"
    );
    assert!(all >= MUTATIONS);
    // Mutations that all fail at the first byte would try nothing.
    assert!(
        frames > all / 10 && answers > all / 100,
        "{frames} {answers}"
    );
}

fn run(corpus: &[Seed], thread: u64, threads: u64) -> [u64; 3] {
    let mut generator = Generator(SEED.wrapping_add(thread));
    let mut counts = [0; 3];
    for _ in 0..MUTATIONS.div_ceil(threads) {
        let seed = generator.choose(corpus);
        let other = generator.choose(corpus);
        let mut bytes = seed.bytes.clone();
        for _ in 0..=generator.below(4) {
            mutate(&mut generator, &mut bytes, &other.bytes);
        }
        if generator.below(4) > 0 {
            mend(&mut bytes);
        }
        let start = Instant::now();
        let Ok((frame, answer)) = catch_unwind(AssertUnwindSafe(|| read(&seed.request, &bytes)))
        else {
            panic!(
                "{:?} of {:?}",
                String::from_utf8_lossy(&bytes),
                seed.request
            );
        };
        assert!(
            start.elapsed() < SLOWEST,
            "{:?}",
            String::from_utf8_lossy(&bytes)
        );
        counts[0] += 1;
        counts[1] += u64::from(frame);
        counts[2] += u64::from(answer);
    }
    counts
}
