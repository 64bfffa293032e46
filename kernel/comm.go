package kernel

import (
	"encoding/json"
	"maps"
	"slices"

	"interleave/kernel/session"
	"interleave/kernel/wire"
)

// comms are the open comms, the messages that the session has not handled, and what clients have shown that they can
// do. The kernel passes messages on in both directions, and knows nothing of what they mean: each widget of the
// session has a comm, for example.
//
// Clients send messages of comms on shell, where ipykernel serves them behind the cells. Here they overtake the
// queue, as questions do: a slider moves while a cell runs. They keep their order among themselves, and one that was
// sent before a cell is known to the session when the cell begins. A message is idle when the session has handled it,
// which does not include code of the user that it calls.
type comms struct {
	open    map[string]string  // id → target
	waiting map[uint64]request // sent to the session and not handled; without content
	last    uint64             // number of the newest
	clients []commClient
}

// A commClient is a client with the targets of the comms that it has opened so far. Front ends that have ipywidgets
// open one for jupyter.widget.control when they connect.
type commClient struct {
	name    string
	targets []string
}

const (
	// maxCommClients and maxTargets bound what is remembered of clients: each page that is loaded is another one.
	maxCommClients = 64
	maxTargets     = 32
)

// overtakes reports whether a request on shell does not wait for its turn behind the cells.
func overtakes(r request) bool {
	switch r.msg.Header.MsgType {
	case "comm_open", "comm_msg", "comm_close", "comm_info_request":
		return true
	}
	return isQuestion(r)
}

// openComm passes on that a client opens a comm, and reports whether the request is over already. The session closes
// the comm if it does not know the target.
func (k *kernel) openComm(r request, c wire.CommOpen) (over bool) {
	k.comms.note(r.client(), c.TargetName)
	switch _, again := k.comms.open[c.CommID]; {
	case again:
		k.log.Warn("comm is open already", "comm", c.CommID, "target", c.TargetName)
		return true
	case k.events == nil: // the session has ended for good
		k.publish(r.msg, wire.CommClose{CommID: c.CommID})
		return true
	}
	k.comms.open[c.CommID] = c.TargetName
	return k.toComm(r, session.Comm{ID: c.CommID, Op: session.CommOpen, Target: c.TargetName, Data: c.Data})
}

// toOpenComm passes on a message to a comm, or its end, and reports whether the request is over already.
func (k *kernel) toOpenComm(r request, id string, op session.CommOp, data json.RawMessage) (over bool) {
	if _, ok := k.comms.open[id]; !ok {
		k.log.Debug("comm is not open", "comm", id, "msg", r.msg.Header.MsgType)
		return true
	}
	if op == session.CommClose {
		delete(k.comms.open, id)
	}
	return k.toComm(r, session.Comm{ID: id, Op: op, Data: data})
}

func (k *kernel) toComm(r request, c session.Comm) (over bool) {
	k.comms.last++
	k.comms.waiting[k.comms.last] = request{r.channel, r.msg.Stub(), r.came}
	c.Re, c.Metadata, c.Buffers = k.comms.last, r.msg.Metadata, r.msg.Buffers
	k.cfg.Session.Comm(c)
	return false
}

// commInfo lists the open comms of a target, or of all.
func (k *kernel) commInfo(target string) wire.CommInfoReply {
	reply := wire.CommInfoReply{Status: wire.OK, Comms: map[string]wire.CommInfo{}}
	for id, t := range k.comms.open {
		if target == "" || target == t {
			reply.Comms[id] = wire.CommInfo{TargetName: t}
		}
	}
	return reply
}

// commEvent publishes what the session does to a comm.
func (k *kernel) commEvent(c session.Comm) {
	_, open := k.comms.open[c.ID]
	var content wire.Content
	switch c.Op {
	case session.CommHandled:
		k.handledComm(c.Re)
		return
	case session.CommOpen:
		k.comms.open[c.ID] = c.Target
		content = wire.CommOpen{CommID: c.ID, TargetName: c.Target, Data: c.Data}
	case session.CommMessage:
		content = wire.CommMsg{CommID: c.ID, Data: c.Data}
	default:
		delete(k.comms.open, c.ID)
		content = wire.CommClose{CommID: c.ID, Data: c.Data}
	}
	if !open && c.Op != session.CommOpen { // a client has closed it meanwhile
		k.log.Debug("comm is not open", "comm", c.ID, "msg", content.MsgType())
		return
	}
	parent := k.comms.waiting[c.Re].msg
	if o := k.origins[c.Cell]; parent == nil && o != nil {
		parent = o.request
	}
	m, err := k.author.New(parent, content)
	if err != nil {
		k.log.Error("data of a comm are not JSON", "comm", c.ID, "err", err)
		return
	}
	m.Metadata, m.Buffers = c.Metadata, c.Buffers
	k.broadcast(m, k.topic(content))
}

// handledComm ends a message that the session has handled.
func (k *kernel) handledComm(n uint64) {
	if r, ok := k.comms.waiting[n]; ok {
		delete(k.comms.waiting, n)
		k.idle(r.msg)
	}
}

// dropComms closes all comms, and ends the messages that were sent to them: the process that had them has ended.
func (k *kernel) dropComms() {
	for _, id := range slices.Sorted(maps.Keys(k.comms.open)) {
		k.publish(nil, wire.CommClose{CommID: id})
	}
	clear(k.comms.open)
	for _, n := range slices.Sorted(maps.Keys(k.comms.waiting)) {
		k.handledComm(n)
	}
}

// note remembers that a client has opened a comm.
func (c *comms) note(client, target string) {
	i := slices.IndexFunc(c.clients, func(o commClient) bool { return o.name == client })
	if i < 0 {
		c.clients = append(c.clients, commClient{name: client})
		if len(c.clients) > maxCommClients {
			c.clients = slices.Delete(c.clients, 0, 1)
		}
		i = len(c.clients) - 1
	}
	o := &c.clients[i]
	if !slices.Contains(o.targets, target) && len(o.targets) < maxTargets {
		o.targets = append(slices.Clip(o.targets), target)
	}
}

// of returns the targets of the comms that a client has opened.
func (c *comms) of(client string) []string {
	for _, o := range c.clients {
		if o.name == client {
			return o.targets
		}
	}
	return nil
}
