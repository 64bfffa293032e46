package wire

import "encoding/json"

// A Bundle is one value in several representations: MIME type → its JSON.
type Bundle = map[string]json.RawMessage

// Status of a reply.
const (
	OK      = "ok"
	Error   = "error"
	Aborted = "aborted"
)

// Requests, in the order of the protocol's document.
type (
	// ExecuteRequest asks to run a cell. Decoding gives absent fields the protocol's defaults: StoreHistory
	// is !Silent, StopOnError is true, AllowStdin is false.
	ExecuteRequest struct {
		Code         string            `json:"code"`
		Silent       bool              `json:"silent"`
		StoreHistory bool              `json:"store_history"`
		Expressions  map[string]string `json:"user_expressions"`
		AllowStdin   bool              `json:"allow_stdin"`
		StopOnError  bool              `json:"stop_on_error"`
	}
	// InspectRequest asks about the name under the cursor. CursorPos counts Unicode code points.
	InspectRequest struct {
		Code        string `json:"code"`
		CursorPos   int    `json:"cursor_pos"`
		DetailLevel int    `json:"detail_level"`
	}
	// CompleteRequest asks for completions at the cursor. CursorPos counts Unicode code points.
	CompleteRequest struct {
		Code      string `json:"code"`
		CursorPos int    `json:"cursor_pos"`
	}
	// HistoryRequest asks for cells that were run. Access is "range", "tail" or "search".
	HistoryRequest struct {
		Output  bool   `json:"output"`
		Raw     bool   `json:"raw"`
		Access  string `json:"hist_access_type"`
		Session int    `json:"session,omitempty"`
		Start   int    `json:"start,omitempty"`
		Stop    *int   `json:"stop,omitempty"`
		N       int    `json:"n,omitempty"`
		Pattern string `json:"pattern,omitempty"`
		Unique  bool   `json:"unique,omitempty"`
	}
	// IsCompleteRequest asks whether code can be run as it is.
	IsCompleteRequest struct {
		Code string `json:"code"`
	}
	// ConnectRequest asks for the kernel's ports.
	ConnectRequest struct{}
	// UsageRequest asks what the kernel and its processes use of the machine: an extension of ipykernel.
	UsageRequest struct{}
	// CommInfoRequest asks for open comms, of one target or of all.
	CommInfoRequest struct {
		TargetName string `json:"target_name,omitempty"`
	}
	// KernelInfoRequest asks for the kernel's name, version and language.
	KernelInfoRequest struct{}
	// ShutdownRequest ends the kernel's process. Restart means that the client will start another.
	ShutdownRequest struct {
		Restart bool `json:"restart"`
	}
	// InterruptRequest stops the running cell.
	InterruptRequest struct{}
	// DebugRequest is a request of the Debug Adapter Protocol.
	DebugRequest struct {
		Seq     int    `json:"seq"`
		Type    string `json:"type"`
		Command string `json:"command"`

		Arguments DebugArguments `json:"arguments,omitzero"`
	}
	// DebugArguments are those of the requests that are served.
	DebugArguments struct {
		Reference int    `json:"variablesReference,omitempty"`
		Name      string `json:"variableName,omitempty"`
		ClientID  string `json:"clientID,omitempty"` // "jupyterlab" and the like
	}
	// InputRequest comes from the kernel: it asks the user for a line.
	InputRequest struct {
		Prompt   string `json:"prompt"`
		Password bool   `json:"password"`
	}
	// InputReply is the client's answer to InputRequest.
	InputReply struct {
		Value string `json:"value"`
	}
	// CommOpen opens a comm; it goes both ways, as CommMsg and CommClose do.
	CommOpen struct {
		CommID     string          `json:"comm_id"`
		TargetName string          `json:"target_name"`
		Data       json.RawMessage `json:"data"`
	}
	// CommMsg is a message over an open comm.
	CommMsg struct {
		CommID string          `json:"comm_id"`
		Data   json.RawMessage `json:"data"`
	}
	// CommClose ends a comm, or refuses one that was asked for.
	CommClose struct {
		CommID string          `json:"comm_id"`
		Data   json.RawMessage `json:"data"`
	}
)

// Replies. Status is OK in all but ExecuteReply and ErrorReply; a reply that failed decodes with Status Error.
type (
	// ExecuteReply ends a cell. Which fields are sent depends on Status: the error's when it is Error,
	// Payload and Expressions when it is OK, and no others when it is Aborted.
	ExecuteReply struct {
		Status         string                `json:"status"`
		ExecutionCount int                   `json:"execution_count"`
		Payload        []json.RawMessage     `json:"payload"`
		Expressions    map[string]Expression `json:"user_expressions"`
		EName          string                `json:"ename"`
		EValue         string                `json:"evalue"`
		Traceback      []string              `json:"traceback"`
	}
	// NextInput is a payload of an execute reply: text for the input of the cell itself, or of a new one below it.
	NextInput struct {
		Source  string `json:"source"` // set_next_input
		Text    string `json:"text"`
		Replace bool   `json:"replace"`
	}
	// PagePayload, in a reply's Payload, is text for a pager: JupyterLab shows it under the cell, consoles by itself.
	PagePayload struct {
		Source string `json:"source"` // "page"
		Data   Bundle `json:"data"`
		Start  int    `json:"start"` // the first line that is shown
	}
	// ReplyMetadata is the metadata of this kernel's execute replies.
	ReplyMetadata struct {
		Started    string `json:"started"` // when the cell began; JupyterLab computes from it how long the cell took
		Status     string `json:"status"`  // the reply's
		Interleave struct {
			Engine string `json:"engine,omitempty"` // which engine ran the cell; empty when no Go code ran
		} `json:"interleave"`
	}
	// Expression is the outcome of one user expression: a value when Status is OK, otherwise an error.
	Expression struct {
		Status    string   `json:"status"`
		Data      Bundle   `json:"data,omitempty"`
		Metadata  Bundle   `json:"metadata,omitempty"`
		EName     string   `json:"ename,omitempty"`
		EValue    string   `json:"evalue,omitempty"`
		Traceback []string `json:"traceback,omitempty"`
	}
	// ErrorReply answers a request of any type with a failure. When Status is Aborted, it has no fields of a
	// failure.
	ErrorReply struct {
		To        string   `json:"-"` // the reply's message type
		Status    string   `json:"status"`
		EName     string   `json:"ename"`
		EValue    string   `json:"evalue"`
		Traceback []string `json:"traceback"`
	}
	// InspectReply describes a name.
	InspectReply struct {
		Status   string `json:"status"`
		Found    bool   `json:"found"`
		Data     Bundle `json:"data"`
		Metadata Bundle `json:"metadata"`
	}
	// CompleteReply lists completions of the text between two code points.
	CompleteReply struct {
		Status      string           `json:"status"`
		Matches     []string         `json:"matches"`
		CursorStart int              `json:"cursor_start"`
		CursorEnd   int              `json:"cursor_end"`
		Metadata    CompleteMetadata `json:"metadata"`
	}
	// CompleteMetadata describes each of the matches, as ipykernel does.
	CompleteMetadata struct {
		Types []CompletionType `json:"_jupyter_types_experimental"`
	}
	// CompletionType describes one match. Start and End count code points.
	CompletionType struct {
		Start     int    `json:"start"`
		End       int    `json:"end"`
		Text      string `json:"text"`
		Type      string `json:"type"` // "function", "module" and the like; JupyterLab shows it as an icon
		Signature string `json:"signature"`
	}
	// HistoryReply lists entries: [session, line, input], or [session, line, [input, output]] when outputs
	// were asked for.
	HistoryReply struct {
		Status  string            `json:"status"`
		History []json.RawMessage `json:"history"`
	}
	// IsCompleteReply has a Status of its own: "complete", "incomplete", "invalid" or "unknown".
	IsCompleteReply struct {
		Status string `json:"status"`
		Indent string `json:"indent,omitempty"` // only when incomplete
	}
	// ConnectReply names the kernel's ports. It is zero when there are no ports.
	ConnectReply struct {
		Status  string `json:"status"`
		Shell   int    `json:"shell_port,omitempty"`
		IOPub   int    `json:"iopub_port,omitempty"`
		Stdin   int    `json:"stdin_port,omitempty"`
		Control int    `json:"control_port,omitempty"`
		HB      int    `json:"hb_port,omitempty"`
	}
	// UsageReply has the names that ipykernel gives. Percentages are since the request before.
	UsageReply struct {
		Hostname string      `json:"hostname"`
		PID      int         `json:"pid"`
		CPU      float64     `json:"kernel_cpu"`    // 100 is one core
		Memory   int64       `json:"kernel_memory"` // bytes
		Cores    int         `json:"cpu_count"`
		HostCPU  *float64    `json:"host_cpu_percent,omitempty"` // 100 is all cores
		Host     *HostMemory `json:"host_virtual_memory,omitempty"`
	}
	// HostMemory is the machine's memory in bytes.
	HostMemory struct {
		Total     int64   `json:"total"`
		Available int64   `json:"available"`
		Percent   float64 `json:"percent"`
		Used      int64   `json:"used"`
	}
	// CommInfoReply lists open comms by id.
	CommInfoReply struct {
		Status string              `json:"status"`
		Comms  map[string]CommInfo `json:"comms"`
	}
	// CommInfo describes an open comm.
	CommInfo struct {
		TargetName string `json:"target_name"`
	}
	// KernelInfoReply describes the kernel.
	KernelInfoReply struct {
		Status                string       `json:"status"`
		ProtocolVersion       string       `json:"protocol_version"`
		Implementation        string       `json:"implementation"`
		ImplementationVersion string       `json:"implementation_version"`
		LanguageInfo          LanguageInfo `json:"language_info"`
		Banner                string       `json:"banner"`
		Debugger              bool         `json:"debugger"`
		HelpLinks             []HelpLink   `json:"help_links"`
		SupportedFeatures     []string     `json:"supported_features"`
	}
	// LanguageInfo is what notebooks store about the language. Front ends need CodemirrorMode to be a string.
	LanguageInfo struct {
		Name              string `json:"name"`
		Version           string `json:"version"`
		Mimetype          string `json:"mimetype"`
		FileExtension     string `json:"file_extension"`
		PygmentsLexer     string `json:"pygments_lexer"`
		CodemirrorMode    string `json:"codemirror_mode"`
		NbconvertExporter string `json:"nbconvert_exporter"`
	}
	// HelpLink is an entry of the client's help menu.
	HelpLink struct {
		Text string `json:"text"`
		URL  string `json:"url"`
	}
	// ShutdownReply is sent to the client that asked and, on iopub, to all.
	ShutdownReply struct {
		Status  string `json:"status"`
		Restart bool   `json:"restart"`
	}
	// InterruptReply confirms that the interrupt was passed on, not that the cell has ended.
	InterruptReply struct {
		Status string `json:"status"`
	}
	// DebugReply is a response of the Debug Adapter Protocol.
	DebugReply struct {
		Seq        int    `json:"seq"`
		Type       string `json:"type"`
		RequestSeq int    `json:"request_seq"`
		Success    bool   `json:"success"`
		Command    string `json:"command"`
		Message    string `json:"message,omitempty"`

		Body json.RawMessage `json:"body,omitempty"` // one of the types below, by Command
	}
	// DebugCapabilities answers initialize.
	DebugCapabilities struct {
		ConfigurationDone bool `json:"supportsConfigurationDoneRequest"`
	}
	// DebugBreakpoints answers setBreakpoints: none is ever set.
	DebugBreakpoints struct {
		Breakpoints []struct{} `json:"breakpoints"`
	}
	// DebugCell answers dumpCell.
	DebugCell struct {
		SourcePath string `json:"sourcePath"`
	}
	// DebugModules answers modules.
	DebugModules struct {
		Modules []struct{} `json:"modules"`
		Total   int        `json:"totalModules"`
	}
	// DebugInfo answers debugInfo, a request of Jupyter's.
	DebugInfo struct {
		Started        bool       `json:"isStarted"`
		HashMethod     string     `json:"hashMethod"`
		HashSeed       int        `json:"hashSeed"`
		TmpFilePrefix  string     `json:"tmpFilePrefix"`
		TmpFileSuffix  string     `json:"tmpFileSuffix"`
		Breakpoints    []struct{} `json:"breakpoints"`
		StoppedThreads []int      `json:"stoppedThreads"`
		RichRendering  bool       `json:"richRendering"`
		ExceptionPaths []string   `json:"exceptionPaths"`
		CopyToGlobals  bool       `json:"copyToGlobals"`
	}
	// DebugVariables answers inspectVariables and variables.
	DebugVariables struct {
		Variables []DebugVariable `json:"variables"`
	}
	// DebugVariable is a variable or a part of a value. Reference is 0 when it has no parts.
	DebugVariable struct {
		Name         string `json:"name"`
		EvaluateName string `json:"evaluateName,omitempty"`
		Type         string `json:"type,omitempty"`
		Value        string `json:"value"`
		Reference    int    `json:"variablesReference"`
	}
	// DebugRich answers richInspectVariables.
	DebugRich struct {
		Data     Bundle `json:"data"`
		Metadata Bundle `json:"metadata"`
	}
)

// What is published on iopub.
type (
	// StreamText is output. Name is "stdout" or "stderr".
	StreamText struct {
		Name string `json:"name"`
		Text string `json:"text"`
	}
	// DisplayData shows a value, or, with Update (update_display_data), replaces the value that was shown
	// with the same ID.
	DisplayData struct {
		Data     Bundle
		Metadata Bundle
		ID       string // empty: cannot be updated
		Update   bool
	}
	// ClearOutput removes the cell's output, with Wait when the next one comes.
	ClearOutput struct {
		Wait bool `json:"wait"`
	}
	// ExecuteInput publishes the code of the running cell to every client.
	ExecuteInput struct {
		Code           string `json:"code"`
		ExecutionCount int    `json:"execution_count"`
	}
	// ExecuteResult shows the value of a cell's last expression.
	ExecuteResult struct {
		ExecutionCount int
		Data           Bundle
		Metadata       Bundle
	}
	// ErrorText shows an error (message type error). Traceback lines may hold ANSI colours.
	ErrorText struct {
		EName     string   `json:"ename"`
		EValue    string   `json:"evalue"`
		Traceback []string `json:"traceback"`
	}
	// Status is the kernel's: "starting", "busy" or "idle".
	Status struct {
		State string `json:"execution_state"`
	}
	// DebugEvent is an event of the Debug Adapter Protocol (debug_event).
	DebugEvent struct {
		Seq   int    `json:"seq"`
		Type  string `json:"type"`
		Event string `json:"event"`
	}
	// Welcome (iopub_welcome) confirms a new subscription.
	Welcome struct {
		Subscription string `json:"subscription"`
	}
)

func (ExecuteRequest) MsgType() string    { return "execute_request" }
func (InspectRequest) MsgType() string    { return "inspect_request" }
func (CompleteRequest) MsgType() string   { return "complete_request" }
func (HistoryRequest) MsgType() string    { return "history_request" }
func (IsCompleteRequest) MsgType() string { return "is_complete_request" }
func (ConnectRequest) MsgType() string    { return "connect_request" }
func (UsageRequest) MsgType() string      { return "usage_request" }
func (UsageReply) MsgType() string        { return "usage_reply" }
func (CommInfoRequest) MsgType() string   { return "comm_info_request" }
func (KernelInfoRequest) MsgType() string { return "kernel_info_request" }
func (ShutdownRequest) MsgType() string   { return "shutdown_request" }
func (InterruptRequest) MsgType() string  { return "interrupt_request" }
func (DebugRequest) MsgType() string      { return "debug_request" }
func (InputRequest) MsgType() string      { return "input_request" }
func (InputReply) MsgType() string        { return "input_reply" }
func (CommOpen) MsgType() string          { return "comm_open" }
func (CommMsg) MsgType() string           { return "comm_msg" }
func (CommClose) MsgType() string         { return "comm_close" }
func (ExecuteReply) MsgType() string      { return "execute_reply" }
func (r ErrorReply) MsgType() string      { return r.To }
func (InspectReply) MsgType() string      { return "inspect_reply" }
func (CompleteReply) MsgType() string     { return "complete_reply" }
func (HistoryReply) MsgType() string      { return "history_reply" }
func (IsCompleteReply) MsgType() string   { return "is_complete_reply" }
func (ConnectReply) MsgType() string      { return "connect_reply" }
func (CommInfoReply) MsgType() string     { return "comm_info_reply" }
func (KernelInfoReply) MsgType() string   { return "kernel_info_reply" }
func (ShutdownReply) MsgType() string     { return "shutdown_reply" }
func (InterruptReply) MsgType() string    { return "interrupt_reply" }
func (DebugReply) MsgType() string        { return "debug_reply" }
func (StreamText) MsgType() string        { return "stream" }
func (ClearOutput) MsgType() string       { return "clear_output" }
func (ExecuteInput) MsgType() string      { return "execute_input" }
func (ExecuteResult) MsgType() string     { return "execute_result" }
func (ErrorText) MsgType() string         { return "error" }
func (Status) MsgType() string            { return "status" }
func (DebugEvent) MsgType() string        { return "debug_event" }
func (Welcome) MsgType() string           { return "iopub_welcome" }

// MsgType is display_data or update_display_data.
func (d DisplayData) MsgType() string {
	if d.Update {
		return "update_display_data"
	}
	return "display_data"
}
