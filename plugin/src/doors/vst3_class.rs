//! The VST3 plugin as a host meets it: read-outs, extra buses and guards around the framework's class.
//!
//! Whatever has nothing to do with those is handed on to the framework as it came; so each such function's
//! safety is the host's keeping to the format, as it would be without the door.

#![allow(non_snake_case, reason = "the format's names")]
#![allow(
    clippy::unnecessary_cast,
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the format counts in signed numbers, and its constants have other types on other systems"
)]
#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "all but those with a comment of their own only hand on what the host gave; see the module's words"
)]

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

use nice_plug::wrapper::vst3::Wrapper;
use vst3::ComRef;
use vst3::Steinberg::Vst::{
    AudioBusBuffers, BusDirection, BusDirections_, BusInfo, BusInfo_::BusFlags_, BusTypes_, IAudioProcessor,
    IAudioProcessorTrait, IComponent, IComponentTrait, IEditController, IParamValueQueueTrait,
    IParameterChangesTrait, IProcessContextRequirements, IProcessContextRequirementsTrait, IUnitInfo, IoMode,
    MediaType, MediaTypes_, ProcessData, ProcessSetup, RoutingInfo, SpeakerArr, SpeakerArrangement,
    SymbolicSampleSizes_, TChar,
};
use vst3::Steinberg::{
    FUnknown, IBStream, IPluginBaseTrait, TBool, TUID, int32, kInvalidArgument, kResultFalse, kResultOk,
    tresult, uint32,
};

use super::port::{Port, hand_on};
use super::{Audio, CHAIN_NAME, EXTRA_CHANNELS, Turnstile, VOLTAGE_NAME, id, write_text};
use crate::effect::Undertone;
use crate::extras::{CHAIN_CHANNELS, Extras};

const AUDIO: i32 = MediaTypes_::kAudio as i32;
const INPUT: i32 = BusDirections_::kInput as i32;
const FLOATS: i32 = SymbolicSampleSizes_::kSample32 as i32;

/// One plugin, as the host holds it.
pub struct Class {
    pub(super) inner: Wrapper<Undertone>,
    pub(super) extras: Arc<Extras>,
    active: AtomicBool,
    set_up: AtomicBool,
    /// Channels of the main buses.
    channels: AtomicI32,
    rate: AtomicU32,
    turnstile: Turnstile,
    /// Only ever touched by whoever is through the turnstile.
    audio: UnsafeCell<Audio>,
}

impl vst3::Class for Class {
    type Interfaces = (
        IComponent,
        IEditController,
        IAudioProcessor,
        IProcessContextRequirements,
        IUnitInfo,
    );
}

impl Class {
    pub fn new() -> Self {
        let (inner, extras) = Extras::with(Wrapper::<Undertone>::new);
        Self {
            inner,
            extras,
            active: AtomicBool::new(false),
            set_up: AtomicBool::new(false),
            channels: AtomicI32::new(2),
            rate: 48_000.0_f32.to_bits().into(),
            turnstile: Turnstile::default(),
            audio: UnsafeCell::new(Audio::new(48_000.0)),
        }
    }
}

impl IPluginBaseTrait for Class {
    unsafe fn initialize(&self, context: *mut FUnknown) -> tresult {
        unsafe { self.inner.initialize(context) }
    }

    unsafe fn terminate(&self) -> tresult {
        unsafe { self.inner.terminate() }
    }
}

impl IComponentTrait for Class {
    unsafe fn getControllerClassId(&self, class: *mut TUID) -> tresult {
        unsafe { self.inner.getControllerClassId(class) }
    }

    unsafe fn setIoMode(&self, mode: IoMode) -> tresult {
        unsafe { self.inner.setIoMode(mode) }
    }

    unsafe fn getBusCount(&self, media: MediaType, direction: BusDirection) -> int32 {
        let extra = int32::from(media == AUDIO);
        unsafe { self.inner.getBusCount(media, direction) + extra }
    }

    unsafe fn getBusInfo(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: int32,
        info: *mut BusInfo,
    ) -> tresult {
        // The framework writes into the host's record even where it then says that there is no such port.
        if !(0..unsafe { self.getBusCount(media, direction) }).contains(&index) {
            return kInvalidArgument;
        }
        if (media, index) != (AUDIO, 1) {
            return unsafe { self.inner.getBusInfo(media, direction, index, info) };
        }
        let Some(to) = (unsafe { info.as_mut() }) else {
            return kInvalidArgument;
        };
        let name = if direction == INPUT {
            CHAIN_NAME
        } else {
            VOLTAGE_NAME
        };
        to.mediaType = media;
        to.direction = direction;
        to.channelCount = EXTRA_CHANNELS as i32;
        write_text(&mut to.name, name.encode_utf16().map(|letter| letter as TChar));
        to.busType = BusTypes_::kAux as i32;
        // Whoever wants it switches it on; most hosts then show it for routing only.
        to.flags = if direction == INPUT {
            0
        } else {
            BusFlags_::kIsControlVoltage as u32
        };
        kResultOk
    }

    unsafe fn getRoutingInfo(&self, input: *mut RoutingInfo, output: *mut RoutingInfo) -> tresult {
        unsafe { self.inner.getRoutingInfo(input, output) }
    }

    unsafe fn activateBus(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: int32,
        state: TBool,
    ) -> tresult {
        if (media, index) == (AUDIO, 1) {
            return kResultOk;
        }
        unsafe { self.inner.activateBus(media, direction, index, state) }
    }

    unsafe fn setActive(&self, state: TBool) -> tresult {
        self.active.store(false, Ordering::Release);
        let done = unsafe { self.inner.setActive(state) };
        if done == kResultOk && state != 0 {
            let mut info: BusInfo = unsafe { std::mem::zeroed() };
            if unsafe { self.inner.getBusInfo(AUDIO, INPUT, 0, &raw mut info) } == kResultOk {
                self.channels.store(info.channelCount, Ordering::Relaxed);
            }
            if let Some(_turn) = self.turnstile.enter() {
                let fresh = Audio::new(f32::from_bits(self.rate.load(Ordering::Relaxed)));
                // SAFETY: whoever is through the turnstile is alone with it.
                unsafe { *self.audio.get() = fresh };
            }
            self.active
                .store(self.set_up.load(Ordering::Relaxed), Ordering::Release);
        }
        done
    }

    unsafe fn setState(&self, state: *mut IBStream) -> tresult {
        let done = unsafe { IComponentTrait::setState(&self.inner, state) };
        if done == kResultOk {
            self.extras.restored();
        }
        done
    }

    unsafe fn getState(&self, state: *mut IBStream) -> tresult {
        unsafe { IComponentTrait::getState(&self.inner, state) }
    }
}

impl IAudioProcessorTrait for Class {
    unsafe fn setBusArrangements(
        &self,
        inputs: *mut SpeakerArrangement,
        input_count: int32,
        outputs: *mut SpeakerArrangement,
        output_count: int32,
    ) -> tresult {
        if inputs.is_null() || outputs.is_null() || input_count < 1 || output_count < 1 {
            return kInvalidArgument;
        }
        // SAFETY: the host gives as many arrangements as it says. An extra bus has two channels, or none where it
        // is left away.
        let extras_fit = unsafe {
            let fits = |first: *mut SpeakerArrangement, count: int32| {
                count <= 1 || (count == 2 && [0, EXTRA_CHANNELS].contains(&(*first.add(1)).count_ones()))
            };
            fits(inputs, input_count) && fits(outputs, output_count)
        };
        let done = unsafe { self.inner.setBusArrangements(inputs, 1, outputs, 1) };
        // A host that asks for one and the same of every bus gets the main one as asked, is told that not all of it
        // fits, and looks at what there is; so a mono track need not do with a stereo plugin.
        if extras_fit { done } else { kResultFalse }
    }

    unsafe fn getBusArrangement(
        &self,
        direction: BusDirection,
        index: int32,
        arrangement: *mut SpeakerArrangement,
    ) -> tresult {
        if index != 1 {
            return unsafe { self.inner.getBusArrangement(direction, index, arrangement) };
        }
        let Some(to) = (unsafe { arrangement.as_mut() }) else {
            return kInvalidArgument;
        };
        *to = SpeakerArr::kStereo;
        kResultOk
    }

    unsafe fn canProcessSampleSize(&self, size: int32) -> tresult {
        unsafe { self.inner.canProcessSampleSize(size) }
    }

    unsafe fn getLatencySamples(&self) -> uint32 {
        unsafe { self.inner.getLatencySamples() }
    }

    unsafe fn setupProcessing(&self, setup: *mut ProcessSetup) -> tresult {
        let Some(given) = (unsafe { setup.as_ref() }) else {
            return kInvalidArgument;
        };
        self.rate
            .store((given.sampleRate as f32).to_bits(), Ordering::Relaxed);
        let done = unsafe { self.inner.setupProcessing(setup) };
        self.set_up.store(done == kResultOk, Ordering::Relaxed);
        done
    }

    unsafe fn setProcessing(&self, state: TBool) -> tresult {
        unsafe { self.inner.setProcessing(state) }
    }

    unsafe fn process(&self, data: *mut ProcessData) -> tresult {
        let Some(block) = (unsafe { data.as_ref() }) else {
            return kInvalidArgument;
        };
        if block.symbolicSampleSize != FLOATS || block.numSamples < 0 {
            return kInvalidArgument;
        }
        let frames = block.numSamples as usize;
        // SAFETY: the host gives as many buses as it says.
        let (inputs, outputs) = unsafe {
            (
                buses(block.inputs, block.numInputs),
                buses(block.outputs, block.numOutputs),
            )
        };
        let wanted = self.channels.load(Ordering::Relaxed) as usize;
        let (main_in, main_out) = (inputs.clone().next(), outputs.clone().next());
        let fits =
            [main_in, main_out].map(|bus| bus.is_some_and(|main| main.count() == wanted && main.is_whole()));
        // No frames means "only the parameters", and needs no buses.
        let fits = frames == 0 || fits == [true, true];
        let turn = self
            .turnstile
            .enter()
            .filter(|_| fits && self.active.load(Ordering::Acquire));
        let Some(_turn) = turn else {
            // SAFETY: these are the block's frames.
            unsafe { hand_on(main_in, outputs, frames) };
            return kResultOk;
        };
        // SAFETY: whoever is through the turnstile is alone with it.
        let audio = unsafe { &mut *self.audio.get() };
        let values = self.extras.values();
        // SAFETY: the host's list is good for this call, or null.
        if let Some(changes) = unsafe { ComRef::from_raw(block.outputParameterChanges) } {
            audio.changes(&values, frames, |reading, value| {
                let (id, mut place) = (id(reading), 0);
                // SAFETY: as above; the host's queue is its own and good for this call.
                let queue =
                    unsafe { ComRef::from_raw(changes.addParameterData(&raw const id, &raw mut place)) };
                // SAFETY: as above.
                queue.is_some_and(|queue| unsafe {
                    queue.addPoint(0, reading.share(value).into(), &raw mut place) == kResultOk
                })
            });
        }
        if let Some(chain) = inputs.clone().nth(1).filter(|_| frames > 0) {
            // SAFETY: the block's sound; it is taken back below, before the block is over.
            unsafe { self.extras.chain().lend(chain.pointers(CHAIN_CHANNELS), frames) };
        }
        let mut main = *block;
        main.numInputs = main.numInputs.min(1);
        main.numOutputs = main.numOutputs.min(1);
        let done = unsafe { self.inner.process(&raw mut main) };
        self.extras.chain().end();
        if let Some(bus) = outputs.clone().nth(1).filter(|_| frames > 0) {
            // SAFETY: these are the block's frames, and no other bus shares this one's memory.
            let channels = unsafe { bus.writable(frames) };
            audio.voltages(self.extras.voltage(), &values, self.extras.depth(), channels);
        }
        if done != kResultOk {
            // The framework gives a block up while the host restores a project. That is no reason for a hole.
            // SAFETY: these are the block's frames.
            unsafe { hand_on(main_in, main_out.into_iter(), frames) };
        }
        kResultOk
    }

    unsafe fn getTailSamples(&self) -> uint32 {
        unsafe { self.inner.getTailSamples() }
    }
}

impl IProcessContextRequirementsTrait for Class {
    unsafe fn getProcessContextRequirements(&self) -> uint32 {
        // Scores follow the sound's own time; the host's song is of no interest.
        0
    }
}

/// A host's buses.
///
/// # Safety
///
/// There must be as many as `count`, or none at a null pointer, each good for the block.
unsafe fn buses(first: *const AudioBusBuffers, count: int32) -> impl Iterator<Item = Port> + Clone {
    let count = if first.is_null() { 0 } else { count.max(0) as usize };
    (0..count).map(move |at| {
        // SAFETY: the caller's promise; both arms of the union are pointers.
        unsafe {
            let bus = *first.add(at);
            Port::new(bus.__field0.channelBuffers32, bus.numChannels.max(0) as usize)
        }
    })
}
