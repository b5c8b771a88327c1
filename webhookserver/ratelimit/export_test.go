package ratelimit

// Keys is how many clients are told apart now.
func (l *Limit) Keys() int { return l.keys.Len() }
