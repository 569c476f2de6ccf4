package event

// Channel is where customer and company met; "" when not given.
type Channel string

// The channels: a closed list, since subjects and dashboards are built on it.
const (
	Phone     Channel = "phone"
	Email     Channel = "email"
	Chat      Channel = "chat"
	Messaging Channel = "messaging"
	Store     Channel = "store"
	Post      Channel = "post"
	Social    Channel = "social"
	Field     Channel = "field"
	Web       Channel = "web"
	App       Channel = "app"
	Bot       Channel = "bot"
	IVR       Channel = "ivr"
	FAQ       Channel = "faq"
	Other     Channel = "other"
)

// Channels lists all of them, in the order of product.md.
var Channels = [...]Channel{Phone, Email, Chat, Messaging, Store, Post, Social, Field, Web, App, Bot, IVR, FAQ, Other}

// Known says whether c is in the list.
func (c Channel) Known() bool {
	for _, k := range Channels[:] {
		if c == k {
			return true
		}
	}
	return false
}

// Assisted says whether a person answers on this channel.
func (c Channel) Assisted() bool {
	switch c {
	case Phone, Email, Chat, Messaging, Store, Post, Social, Field:
		return true
	}
	return false
}

// SelfService says whether nobody answers on this channel.
func (c Channel) SelfService() bool {
	switch c {
	case Web, App, Bot, IVR, FAQ:
		return true
	}
	return false
}
