//! Lists that come and go with a block: events, and points of parameters. They hold as many as they were
//! made for and do not allocate after that.

use std::cell::{Cell, RefCell};

use vst3::Steinberg::Vst::{
    Event, IEventList, IEventListTrait, IParamValueQueue, IParamValueQueueTrait, IParameterChanges,
    IParameterChangesTrait, ParamID, ParamValue,
};
use vst3::Steinberg::{int32, kInvalidArgument, kResultFalse, kResultOk, tresult};
use vst3::{Class, ComPtr, ComWrapper};

/// A list of events.
pub struct Events {
    events: RefCell<Vec<Event>>,
    /// Events for which there was no room.
    pub refused: Cell<u64>,
}

impl Events {
    /// Room for that many events.
    pub fn with_capacity(events: usize) -> Self {
        Self { events: RefCell::new(Vec::with_capacity(events)), refused: Cell::new(0) }
    }

    /// Empties the list.
    pub fn clear(&self) {
        self.events.borrow_mut().clear();
    }

    /// Adds an event; false if there is no room.
    pub fn push(&self, event: Event) -> bool {
        let mut events = self.events.borrow_mut();
        let room = events.len() < events.capacity();
        if room {
            events.push(event);
        } else {
            self.refused.set(self.refused.get() + 1);
        }
        room
    }

    /// Looks at each event.
    pub fn each(&self, look: impl FnMut(&Event)) {
        self.events.borrow().iter().for_each(look);
    }
}

impl Class for Events {
    type Interfaces = (IEventList,);
}

impl IEventListTrait for Events {
    unsafe fn getEventCount(&self) -> int32 {
        self.events.borrow().len() as int32
    }

    unsafe fn getEvent(&self, index: int32, event: *mut Event) -> tresult {
        let events = self.events.borrow();
        match usize::try_from(index).ok().and_then(|index| events.get(index)) {
            Some(found) if !event.is_null() => {
                // SAFETY: the plugin's room for an event.
                unsafe { event.write(*found) };
                kResultOk
            }
            _ => kInvalidArgument,
        }
    }

    unsafe fn addEvent(&self, event: *mut Event) -> tresult {
        // SAFETY: the plugin's event, or null.
        match unsafe { event.as_ref() } {
            Some(event) if self.push(*event) => kResultOk,
            Some(_) => kResultFalse,
            None => kInvalidArgument,
        }
    }
}

/// Points of one parameter.
struct Queue {
    id: Cell<ParamID>,
    points: RefCell<Vec<(int32, ParamValue)>>,
}

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

impl IParamValueQueueTrait for Queue {
    unsafe fn getParameterId(&self) -> ParamID {
        self.id.get()
    }

    unsafe fn getPointCount(&self) -> int32 {
        self.points.borrow().len() as int32
    }

    unsafe fn getPoint(&self, index: int32, offset: *mut int32, value: *mut ParamValue) -> tresult {
        let points = self.points.borrow();
        match usize::try_from(index).ok().and_then(|index| points.get(index)) {
            Some(&point) if !offset.is_null() && !value.is_null() => {
                // SAFETY: the plugin's room for both.
                unsafe {
                    offset.write(point.0);
                    value.write(point.1);
                }
                kResultOk
            }
            _ => kInvalidArgument,
        }
    }

    unsafe fn addPoint(&self, offset: int32, value: ParamValue, index: *mut int32) -> tresult {
        let mut points = self.points.borrow_mut();
        if points.len() == points.capacity() {
            return kResultFalse;
        }
        points.push((offset, value));
        // SAFETY: the plugin's room for a place in the list, or null.
        if let Some(index) = unsafe { index.as_mut() } {
            *index = points.len() as int32 - 1;
        }
        kResultOk
    }
}

/// Points of several parameters.
pub struct Changes {
    queues: Vec<(ComWrapper<Queue>, ComPtr<IParamValueQueue>)>,
    used: Cell<usize>,
}

impl Changes {
    /// Room for that many parameters with that many points each.
    pub fn with_capacity(parameters: usize, points: usize) -> Self {
        let queue = |_| {
            let points = RefCell::new(Vec::with_capacity(points));
            let queue = ComWrapper::new(Queue { id: Cell::new(0), points });
            let pointer = queue.to_com_ptr().expect("it has this interface");
            (queue, pointer)
        };
        Self { queues: (0..parameters).map(queue).collect(), used: Cell::new(0) }
    }

    /// Empties the list.
    pub fn clear(&self) {
        for (queue, _) in &self.queues[..self.used.replace(0)] {
            queue.points.borrow_mut().clear();
        }
    }

    /// Adds a point; false if there is no room.
    pub fn push(&self, id: ParamID, offset: u32, value: ParamValue) -> bool {
        let Some(queue) = self.queue_of(id) else { return false };
        let mut points = queue.points.borrow_mut();
        let room = points.len() < points.capacity();
        if room {
            points.push((offset as int32, value));
        }
        room
    }

    /// The list of this parameter's points, made if it is not there; `None` if there is no room.
    fn queue_of(&self, id: ParamID) -> Option<&Queue> {
        self.place_of(id).map(|place| &*self.queues[place].0)
    }

    fn place_of(&self, id: ParamID) -> Option<usize> {
        let used = self.used.get();
        let known = self.queues[..used].iter().position(|(queue, _)| queue.id.get() == id);
        let place = known.unwrap_or(used);
        let (queue, _) = self.queues.get(place)?;
        if known.is_none() {
            queue.id.set(id);
            self.used.set(used + 1);
        }
        Some(place)
    }

    /// Looks at each point: parameter, frame, value.
    pub fn each(&self, mut look: impl FnMut(ParamID, int32, ParamValue)) {
        for (queue, _) in &self.queues[..self.used.get()] {
            queue.points.borrow().iter().for_each(|&(offset, value)| look(queue.id.get(), offset, value));
        }
    }
}

impl Class for Changes {
    type Interfaces = (IParameterChanges,);
}

impl IParameterChangesTrait for Changes {
    unsafe fn getParameterCount(&self) -> int32 {
        self.used.get() as int32
    }

    unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
        let queues = &self.queues[..self.used.get()];
        let queue = usize::try_from(index).ok().and_then(|index| queues.get(index));
        queue.map_or(std::ptr::null_mut(), |(_, pointer)| pointer.as_ptr())
    }

    unsafe fn addParameterData(&self, id: *const ParamID, index: *mut int32) -> *mut IParamValueQueue {
        // SAFETY: the plugin's id, or null.
        let place = unsafe { id.as_ref() }.and_then(|&id| self.place_of(id));
        let Some(place) = place else { return std::ptr::null_mut() };
        // SAFETY: the plugin's room for a place in the list, or null.
        if let Some(index) = unsafe { index.as_mut() } {
            *index = place as int32;
        }
        self.queues[place].1.as_ptr()
    }
}
