//== src/frame.rs
use crate::report::{number, word};
use std::rc::Rc;
⟦+⟧

#[derive(Debug)]
pub enum Bad {
    Magic(u64),
    Size { have: u64, need: u64 },
}

pub struct Frame {
    pub body: Vec<u8>,
    pub next: Option<Rc<Frame>>,
}
⟦+⟧

impl Frame {
    #[inline(never)]
    pub fn ⟦h=header|head|header⟧(magic: u64) -> Result<u64, Bad> {
        if magic != 7 { return Err(Bad::Magic(magic)); }
        Ok(magic)
    }

    #[inline(never)]
    pub fn size(have: u64) -> Result<u64, Bad> {
        Err(Bad::Size { have, need: 64 })
    }

    #[inline(never)]
    pub fn follow(&self) -> Rc<Frame> {
        self.next.clone().unwrap()
    }

    #[inline(never)]
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
⟦+⟧
    #[inline(never)]
    pub fn copy(&self, to: &mut [u8]) {
        to.copy_from_slice(&self.body);
    }

    #[inline(never)]
    pub fn checksum(&self, sum: u64) {
        assert_eq!(sum, 0, "checksum of frame {} differs", word());
    }

    #[inline(never)]
    pub fn kind(n: u64) -> &'static str {
        match n {
            0 => "data",
            1 => "end",
            _ => unreachable!("frame kind {}", n),
        }
    }
}

pub fn frame() -> Frame { Frame { body: vec![0xff, 0xfe, 1], next: None } }
#[inline(never)]
pub fn decode() { Frame::⟦h=header|head|header⟧(number(10, 999)).unwrap(); }
#[inline(never)]
pub fn decode_all() { for _ in 0..2 { ⟦d=decode();|one();|decode();⟧ } }
#[inline(never)]
fn one() { decode() }
⟦+⟧

#[inline(never)]
pub fn measure() { ⟦m=Frame::size(number(1, 63)).unwrap();|sized();|Frame::size(number(1, 63)).unwrap();⟧ }
#[inline(never)]
fn sized() { Frame::size(number(1, 63)).unwrap(); }
pub fn follow() { frame().follow(); }
#[inline(never)]
pub fn follow_all() { (0..1).for_each(⟪_⟫ follow()); }
pub fn text() { frame().text(); }
pub fn copy() { frame().copy(&mut vec![0; number(5, 99) as usize]); }
pub fn checksum() { frame().checksum(number(1, 999)); }
pub fn kind() { Frame::kind(number(2, 99)); }
//== src/main.rs
mod frame;
mod report;
use report::defect;

fn main() {
    report::begin();
    defect("frame-magic", ⟦frame::decode|frame::decode_all|frame::decode_all⟧);
    defect("frame-too-small", frame::measure);
    defect("frame-without-next", ⟦frame::follow|frame::follow_all|frame::follow_all⟧);
    defect("frame-not-text", frame::text);
    defect("frame-copy-length", frame::copy);
    defect("frame-checksum", frame::checksum);
    defect("frame-kind-unknown", frame::kind);
}
