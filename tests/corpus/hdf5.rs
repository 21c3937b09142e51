//! A small writer of HDF5 (superblock 2, object headers 2): one root group with what the recipe puts in. Checksums are zero: the
//! reader under test does not look at them.

use super::{Token, Tokens};

const NOWHERE: u64 = u64::MAX;

#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    base: usize,
}

impl Writer {
    fn at(&self) -> u64 {
        (self.out.len() - self.base) as u64
    }

    /// Puts bytes at the next address that is a multiple of eight.
    fn put(&mut self, bytes: &[u8]) -> u64 {
        while !self.at().is_multiple_of(8) {
            self.out.push(0);
        }
        let at = self.at();
        self.out.extend(bytes);
        at
    }

    fn object(&mut self, messages: &[Vec<u8>]) -> u64 {
        let body = messages.concat();
        let mut out = b"OHDR\x02\x02".to_vec();
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(body);
        out.extend([0; 4]);
        self.put(&out)
    }

    /// A dataset of numbers or bytes with the layout that is handed in.
    fn dataset(&mut self, datatype: Vec<u8>, dims: &[u64], layout: Vec<u8>, more: Vec<Vec<u8>>) -> u64 {
        let mut messages = vec![message(1, space(dims)), message(3, datatype), message(8, layout)];
        messages.extend(more);
        self.object(&messages)
    }
}

fn message(kind: u8, body: Vec<u8>) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend((body.len() as u16).to_le_bytes());
    out.push(0);
    out.extend(body);
    out
}

fn space(dims: &[u64]) -> Vec<u8> {
    let mut out = vec![2, dims.len() as u8, 0, u8::from(!dims.is_empty())];
    dims.iter().for_each(|d| out.extend(d.to_le_bytes()));
    out
}

fn string(len: usize) -> Vec<u8> {
    let mut out = vec![0x13, 0, 0, 0];
    out.extend((len as u32).to_le_bytes());
    out
}

fn opaque(len: usize) -> Vec<u8> {
    let mut out = vec![0x15, 0, 0, 0];
    out.extend((len as u32).to_le_bytes());
    out
}

fn float() -> Vec<u8> {
    let mut out = vec![0x11, 0x20, 0x1f, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23];
    out.extend(127u32.to_le_bytes());
    out
}

fn attribute(name: &[u8], value: &[u8]) -> Vec<u8> {
    let (datatype, dims) = (string(value.len()), space(&[]));
    let mut out = vec![3, 0];
    for n in [name.len() + 1, datatype.len(), dims.len()] {
        out.extend((n as u16).to_le_bytes());
    }
    out.push(0);
    out.extend([name, b"\0"].concat());
    out.extend([datatype, dims, value.to_vec()].concat());
    message(12, out)
}

fn link(name: &[u8], kind: u8, target: &[u8]) -> Vec<u8> {
    let mut out = vec![1, 8, kind, name.len() as u8];
    out.extend(name);
    if kind != 0 {
        out.extend((target.len() as u16).to_le_bytes());
    }
    out.extend(target);
    message(6, out)
}

fn compact(data: &[u8]) -> Vec<u8> {
    let mut out = vec![3, 0];
    out.extend((data.len() as u16).to_le_bytes());
    out.extend(data);
    out
}

/// Chunks of one row, none of them written.
fn unwritten() -> Vec<u8> {
    let mut out = vec![3, 2, 2];
    out.extend(NOWHERE.to_le_bytes());
    out.extend([64, 0, 0, 0, 4, 0, 0, 0]);
    out
}

impl Tokens<'_> {
    pub(super) fn hdf5(&mut self, out: &mut Vec<u8>) {
        let base = out.len();
        let mut w = Writer { out: std::mem::take(out), base };
        w.put(&[0; 48]);
        let mut root = Vec::new();
        // The root's address is known when everything else is written; a link to it is filled in then.
        let mut circles = Vec::new();
        self.open();
        loop {
            let word = match self.next() {
                Some(Token::Close) => break,
                Some(Token::Word(word)) => word,
                other => panic!("{}: {other:?} in an HDF5 file", self.id),
            };
            let name = self.text();
            match word.as_str() {
                "attribute" => root.push(attribute(&name, &self.text())),
                "soft" => root.push(link(&name, 1, &self.text())),
                "external" => {
                    let target = [b"\0".to_vec(), self.text(), b"\0/\0".to_vec()].concat();
                    root.push(link(&name, 64, &target));
                }
                "own" => root.push(link(&name, 200, b"anything")),
                "circle" => {
                    circles.push(name);
                    continue;
                }
                dataset => {
                    let at = self.hdf5_dataset(&mut w, dataset);
                    root.push(link(&name, 0, &at.to_le_bytes()));
                }
            }
        }
        // A link is as long whatever it says: the header's size does not depend on the address.
        let mut at = w.at().next_multiple_of(8);
        root.extend(circles.iter().map(|n| link(n, 0, &at.to_le_bytes())));
        at = w.object(&root);
        let end = w.at();
        let mut head = b"\x89HDF\r\n\x1a\n\x02\x08\x08\x00".to_vec();
        [0, NOWHERE, end, at].iter().for_each(|n| head.extend(n.to_le_bytes()));
        w.out[base..base + head.len()].copy_from_slice(&head);
        *out = w.out;
    }

    fn hdf5_dataset(&mut self, w: &mut Writer, kind: &str) -> u64 {
        match kind {
            "floats" => {
                let n = self.number();
                w.dataset(float(), &[n], compact(&vec![0; 4 * n as usize]), Vec::new())
            }
            "bytes" => {
                let data = self.block();
                w.dataset(opaque(data.len()), &[], compact(&data), Vec::new())
            }
            // A shape, and nothing behind it.
            "claim" => {
                let n = self.number();
                w.dataset(float(), &[n], unwritten(), Vec::new())
            }
            "filtered" => {
                let id = self.number() as u16;
                let pipeline = [vec![2, 1], id.to_le_bytes().to_vec(), vec![0; 6]].concat();
                w.dataset(float(), &[64], unwritten(), vec![message(11, pipeline)])
            }
            // Elements in a file outside: external storage, or a virtual dataset.
            "stored" => {
                let name = [self.text(), vec![0]].concat();
                let segment = w.put(&name);
                let mut heap = b"HEAP\0\0\0\0".to_vec();
                [name.len() as u64, NOWHERE, segment].iter().for_each(|n| heap.extend(n.to_le_bytes()));
                let heap = w.put(&heap);
                let mut files = vec![1, 0, 0, 0, 1, 0, 1, 0];
                [heap, 0, 0, 16].iter().for_each(|n| files.extend(n.to_le_bytes()));
                let layout = [vec![3, 1], NOWHERE.to_le_bytes().to_vec(), 16u64.to_le_bytes().to_vec()].concat();
                w.dataset(float(), &[4], layout, vec![message(7, files)])
            }
            "virtual" => {
                let all = [3u32, 1, 0, 0].iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
                let map = [vec![0], 1u64.to_le_bytes().to_vec(), self.text(), b"\0data\0".to_vec(), all.clone(), all, vec![0; 4]].concat();
                let padded = map.len().next_multiple_of(8);
                let mut heap = b"GCOL\x01\0\0\0".to_vec();
                heap.extend((16 + 16 + padded as u64).to_le_bytes());
                heap.extend([1, 0, 1, 0, 0, 0, 0, 0]);
                heap.extend((map.len() as u64).to_le_bytes());
                heap.extend(&map);
                heap.resize(32 + padded, 0);
                let heap = w.put(&heap);
                let layout = [vec![4, 3], heap.to_le_bytes().to_vec(), 1u32.to_le_bytes().to_vec()].concat();
                w.dataset(float(), &[4], layout, Vec::new())
            }
            other => panic!("{}: nothing called {other:?} in an HDF5 file", self.id),
        }
    }
}
