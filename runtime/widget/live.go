package widget

import (
	"encoding/json"
	"sync"

	"interleave/runtime/internal/comms"
)

// registry has the models whose comms are open. A front end asks for them all when a page is loaded.
type registry struct {
	mu     sync.Mutex
	models map[string]*model // by id
}

var live = registry{models: map[string]*model{}}

func (r *registry) add(m *model) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.models[m.comm.ID] = m
}

func (r *registry) remove(m *model) {
	if m.comm == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.models, m.comm.ID)
}

func init() {
	comms.Register(controlTarget, true, func(c *comms.Comm, _ comms.Message) comms.Handlers {
		return comms.Handlers{Message: func(in comms.Message) {
			var msg struct {
				Method string `json:"method"`
			}
			if json.Unmarshal(in.Data, &msg) == nil && msg.Method == "request_states" {
				if data, err := comms.Object(live.states()); err == nil {
					c.Send(comms.Message{Data: data}, in)
				}
			}
		}}
	})
}

// states answers request_states.
func (r *registry) states() values {
	r.mu.Lock()
	models := make(map[string]*model, len(r.models))
	for id, m := range r.models {
		models[id] = m
	}
	r.mu.Unlock()
	all := values{}
	for id, m := range models {
		m.mu.Lock()
		state := m.state()
		m.mu.Unlock()
		all[id] = values{"model_name": state["_model_name"], "model_module": state["_model_module"],
			"model_module_version": state["_model_module_version"], "state": state}
	}
	return values{"method": "update_states", "states": all, "buffer_paths": []string{}}
}
